// What went wrong, as the service tells it (RFC 9457) or the network does, and how it is shown.

/** An error that says in words for people what was received and what is wanted. */
export class Problem extends Error {
  /** @param {{title: string, detail: string, status?: number, type?: string, faults?: {name: string, got?: string | null, wanted: string}[] | null}} told */
  constructor({ title, detail, status = 0, type = "", faults }) {
    super(detail);
    this.title = title;
    this.detail = detail;
    this.status = status;
    this.type = type;
    this.faults = faults ?? [];
    this.retryAfter_s = 0;
  }

  /** The last part of the type, which never changes. */
  get slug() {
    return this.type.split("/").at(-1);
  }

  /**
   * @param {Response} response that isn't ok
   * @returns {Promise<Problem>}
   */
  static async of(response) {
    const problem = Problem.parse(await response.text(), response.status);
    problem.retryAfter_s = Number(response.headers.get("Retry-After") ?? 0);
    return problem;
  }

  /**
   * @param {string} body of an answer
   * @param {number} status
   */
  static parse(body, status) {
    try {
      const told = JSON.parse(body);
      if (told.title) return new Problem(told);
    } catch {
      // A proxy in front answers in its own words, or none.
    }
    return new Problem({ title: "The service can't be used", detail: `It answered with status ${status}.`, status });
  }

  static unreachable() {
    return new Problem({
      title: "The service can't be reached",
      detail: "The connection broke or was refused. Check that it runs, then try again.",
    });
  }
}

/**
 * Say something that is no problem in place of what stands in an element.
 *
 * @param {Element} where
 * @param {string} title
 * @param {string} detail
 */
export function note(where, title, detail) {
  show(where, new Problem({ title, detail }));
  where.firstElementChild.className = "problem neutral";
  where.firstElementChild.role = "status";
}

/**
 * Show a problem in place of what stands in an element.
 *
 * @param {Element} where
 * @param {unknown} error null to show none
 * @param {{label: string, run: () => void}} [remedy] a button that may help
 */
export function show(where, error, remedy) {
  where.replaceChildren();
  if (error === null) return;
  if (!(error instanceof Problem)) console.error(error);
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("problem-template"));
  const shown = /** @type {Element} */ (template.content.cloneNode(true).firstElementChild);
  const told = error instanceof Problem ? error : new Problem({ title: "The page failed", detail: String(error) });
  shown.querySelector("strong").textContent = told.title;
  shown.querySelector("p").textContent = told.detail;
  const faults = told.faults.length > 1 ? told.faults : []; // a single one stands in the detail
  shown.querySelector("ul").replaceChildren(...faults.map((fault) => {
    const item = document.createElement("li");
    item.textContent = `${fault.name} must be ${fault.wanted}, got ${fault.got ?? "nothing"}`;
    return item;
  }));
  if (remedy) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = remedy.label;
    button.addEventListener("click", remedy.run);
    shown.append(button);
  }
  where.append(shown);
}
