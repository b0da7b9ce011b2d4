// The question before a job is deleted.

/**
 * @param {import("./api.js").Job} job
 * @returns {Promise<boolean>} whether it may go
 */
export function mayDelete(job) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("delete-dialog"));
  document.getElementById("delete-what").textContent =
    `${job.request.filename} goes for good, with its masks and everything made of them.`;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "delete"), { once: true });
  });
}
