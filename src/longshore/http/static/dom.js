// @ts-check
/** Elements, icons, copying. Text only ever becomes text nodes: nothing here takes markup. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} [attributes] functions are
 *   listeners by event name; `true` is an attribute without a value; false, null and undefined are left out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** @param {Element} parent @param {Child[]} children */
export function append(parent, children) {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) {
      parent.append(child instanceof Node ? child : String(child));
    }
  }
}

/** The element with this id; a page without it is broken. @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no #${id}`);
  return element;
}

const PATHS = {
  file: ["M6 3h8l4 4v14H6z", "M14 3v4h4"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  cross: ["M6 6l12 12", "M18 6L6 18"],
  dash: ["M6 12h12"],
  again: ["M19 12a7 7 0 1 1-2-5", "M19 3v4.5h-4.5"],
  copy: ["M9 9h11v11H9z", "M5 15H4V4h11v1"],
  open: ["M14 4h6v6", "M20 4l-9 9", "M18 14v6H4V6h6"],
  down: ["M12 4v11", "M7 11l5 5 5-5", "M5 20h14"],
};

/** A decorative icon. @param {keyof typeof PATHS} name @returns {SVGElement} */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const d of PATHS[name]) {
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** Say something to people who listen instead of looking. @param {string} text */
export function say(text) {
  byId("said").textContent = text;
}

/**
 * A button that copies `text` and says so. `about` completes its name for those who hear it without its surroundings.
 * @param {string} text @param {string} label @param {string} about @param {string} [kind] further class
 */
export function copyButton(text, label, about, kind = "") {
  const words = el("span", {}, label);
  const button = el("button", { type: "button", class: `button ${kind}`, "aria-label": `${label} ${about}` }, icon("copy"), words);
  let timer = 0;
  button.addEventListener("click", async () => {
    const done = await copy(text);
    words.textContent = done ? "Copied" : "Press Ctrl+C";
    say(done ? `Copied ${about}` : "Copying is not possible here");
    clearTimeout(timer);
    timer = setTimeout(() => (words.textContent = label), 1600);
  });
  return button;
}

/** @param {string} text @returns {Promise<boolean>} */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers have no clipboard for pages that come over plain HTTP from another machine.
    const area = el("textarea", { class: "unseen", readonly: true });
    area.value = text;
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus();
    return done;
  }
}

/** A block of code with a copy button. @param {string} text @param {string} about */
export function codeBlock(text, about) {
  return el("div", { class: "block" }, el("pre", { tabindex: 0 }, el("code", {}, text)), copyButton(text, "Copy", about));
}

/**
 * What the server told the page.
 * @returns {{publicKey: string | null, api: string, maxSize: number | null, isScanned: boolean, uploadcare: boolean,
 *   version: string, openapi: string}}
 */
export function told() {
  return JSON.parse(document.querySelector('meta[name="longshore"]')?.getAttribute("content") ?? "{}");
}
