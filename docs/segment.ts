import { openAsBlob } from "node:fs";
import createClient from "openapi-fetch";
import type { paths } from "./rotograph.js";

type Json = "application/json" | "application/problem+json";
const client = createClient<paths, Json>({ baseUrl: "http://127.0.0.1:8000" });

const video = await openAsBlob("bikes.mp4");
const posted = await client.POST("/segment", {
  params: { header: { Prefer: "respond-async" } },
  body: { file: "bikes.mp4", masks: "none" },
  bodySerializer(body) {
    const form = new FormData();
    for (const [name, value] of Object.entries(body)) form.set(name, String(value));
    form.set("file", video, "bikes.mp4");
    return form;
  },
});
if (posted.error) throw new Error(posted.error.detail);
const job_id = posted.data.id;

for (;;) {
  const params = { path: { job_id }, header: { Prefer: "wait=20" } };
  const { data: job, error } = await client.GET("/jobs/{job_id}", { params });
  if (error) throw new Error(error.detail);
  if (job.state === "succeeded") break;
  if (job.state === "failed" || job.state === "canceled") throw new Error(job.problem?.detail ?? job.state);
}

const { data: result, error } = await client.GET("/jobs/{job_id}/result", { params: { path: { job_id } } });
if (error) throw new Error(error.detail);
console.log(`${result.frames.length} frames, tracks:`, result.tracks.map((track) => track.id));
