// The API key: asked for once where the service wants one, and forgotten with the tab.

const NAME = "rotograph-key";

export class Key {
  #dialog = /** @type {HTMLDialogElement} */ (document.getElementById("key-dialog"));
  #input = /** @type {HTMLInputElement} */ (document.getElementById("key-input"));
  /** @type {Promise<boolean> | null} */
  #asking = null;

  /** @param {() => void} changed called when there is another key, or none any more */
  constructor(changed) {
    this.#changed = changed;
    // No submit button, since the first of those is what the enter key presses.
    document.getElementById("key-later").addEventListener("click", () => this.#dialog.close(""));
  }

  #changed;

  get value() {
    return sessionStorage.getItem(NAME) ?? "";
  }

  /** @returns {Record<string, string>} headers that requests need */
  headers() {
    return this.value ? { Authorization: `Bearer ${this.value}` } : {};
  }

  forget() {
    sessionStorage.removeItem(NAME);
    this.#changed();
  }

  /**
   * Ask for a key; several that ask at once share the answer.
   *
   * @param {string} reason why it is asked for
   * @returns {Promise<boolean>} whether one was given
   */
  ask(reason) {
    this.#asking ??= this.#open(reason).finally(() => { this.#asking = null; });
    return this.#asking;
  }

  /** @param {string} reason */
  #open(reason) {
    document.getElementById("key-reason").textContent = reason;
    this.#input.value = "";
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    this.#input.focus();
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => {
        const given = this.#dialog.returnValue === "use";
        if (given) {
          sessionStorage.setItem(NAME, this.#input.value.trim());
          this.#changed();
        }
        this.#input.value = "";
        resolve(given);
      }, { once: true });
    });
  }
}
