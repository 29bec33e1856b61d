// @ts-check
/** A row of pictures that the URL API makes of an image, each with what it became and its URL. */

import { copyButton, el, icon } from "./dom.js";
import { size } from "./words.js";

/** @typedef {import("./api.js").FileFacts} FileFacts */

const RETRIES = 5;
/** Longer waits than this are the visitor's to decide, s. */
const LONGEST_WAIT = 10;

/** What is shown: a title and the operations of its URL. @type {ReadonlyArray<{title: string, operations: string}>} */
export const SHOWN = [
  { title: "Preview, 320 pixels", operations: "-/preview/320x320/-/format/webp/" },
  { title: "At most 640, best format here", operations: "-/preview/640x640/-/format/auto/" },
  { title: "Exactly 480 wide", operations: "-/resize/480x/-/format/auto/" },
  { title: "At most 1600 pixels", operations: "-/preview/1600x1600/-/format/auto/" },
  { title: "Lightest", operations: "-/preview/640x640/-/format/auto/-/quality/lightest/" },
  { title: "JPEG, for old programs", operations: "-/preview/640x640/-/format/jpeg/-/quality/better/" },
];

/** @param {FileFacts} file with urls */
export function pictures(file) {
  const base = (file.urls?.original ?? "").replace(new RegExp(`(/${file.id}/).*$`), "$1");
  return el(
    "div",
    { class: "pictures", role: "group", "aria-label": `Pictures made of ${file.name}` },
    ...SHOWN.map(({ title, operations }) => picture(title, base + operations, operations)),
  );
}

/** @param {string} title @param {string} url @param {string} operations */
function picture(title, url, operations) {
  const image = el("img", { alt: "", loading: "lazy" });
  const frame = el("a", { class: "frame", href: url, target: "_blank", rel: "noopener", tabindex: -1, "aria-hidden": "true" }, image);
  const made = el("span", { class: "made" }, "…");
  let tries = 0;

  image.addEventListener("load", async () => {
    frame.dataset.loaded = "";
    made.textContent = [`${image.naturalWidth} × ${image.naturalHeight}`, ...measured(url)].join(" · ");
  });
  image.addEventListener("error", async () => {
    tries += 1;
    const { wait, reason } = await reasonOf(url);
    if (wait !== null && tries < RETRIES) {
      setTimeout(() => (image.src = url), wait * 1000);
      return;
    }
    frame.dataset.failed = "";
    frame.replaceChildren("No picture");
    made.textContent = reason;
  });
  image.src = url;

  return el(
    "figure",
    { class: "picture" },
    frame,
    el(
      "figcaption",
      {},
      el("strong", {}, title),
      made,
      el("span", { class: "mono" }, ...breakable(operations)),
      el(
        "span",
        { class: "row" },
        copyButton(url, "Copy URL", `of “${title}”`, "plain"),
        el(
          "a",
          { class: "button plain", href: url, target: "_blank", rel: "noopener", "aria-label": `Open “${title}”` },
          icon("open"),
          "Open",
        ),
      ),
    ),
  );
}

/** May be broken into lines after each slash. @param {string} operations */
function breakable(operations) {
  return operations.split(/(?<=\/)/).flatMap((part) => [part, el("wbr")]);
}

/** What the browser knows about the answer: its format and size, if it tells. @param {string} url @returns {string[]} */
function measured(url) {
  const entry = /** @type {(PerformanceResourceTiming & {contentType?: string}) | undefined} */ (
    performance.getEntriesByName(url, "resource").at(-1)
  );
  const known = [];
  if (entry?.contentType) known.push(entry.contentType.replace("image/", "").toUpperCase());
  if (entry?.encodedBodySize) known.push(size(entry.encodedBodySize));
  return known;
}

/**
 * Why a picture did not come. An image element does not say, so ask again in a way that does.
 * @param {string} url @returns {Promise<{wait: number | null, reason: string}>} seconds to wait, null when it is no use
 */
async function reasonOf(url) {
  try {
    const response = await fetch(url);
    const wait = Number(response.headers.get("Retry-After") ?? "1");
    await response.body?.cancel();
    if (response.ok) return { wait: 0.2, reason: "The browser cannot show it" };
    if (response.status === 503 && wait <= LONGEST_WAIT) return { wait, reason: "The server is busy" };
    return { wait: null, reason: response.status === 503 ? "The server is busy" : `Refused with status ${response.status}` };
  } catch {
    return { wait: 2, reason: "The server cannot be reached" };
  }
}
