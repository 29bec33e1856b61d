// @ts-check
/** What people read: sizes, steps, and why something did not work. */

/** @typedef {import("./api.js").Refusal} Refusal */
/** @typedef {import("./api.js").Problem} Problem */

/** @param {number} bytes */
export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return bytes === 1 ? "1\u00a0byte" : `${bytes}\u00a0bytes`;
  return `${value.toLocaleString("en", { maximumSignificantDigits: 3 })}\u00a0${units[unit]}`;
}

/** What each step is called: before and while it is done, once it is done, when there is no need, after a refusal. */
export const STEPS = {
  digest: { name: "Read", done: "Read and fingerprinted", skipped: "Not read", missed: "Not read" },
  scan: { name: "Scan for viruses", done: "No virus found", skipped: "Not scanned", missed: "Not scanned" },
  inspect: { name: "Look inside", done: "Looked inside", skipped: "Nothing to look into", missed: "Not looked into" },
  publish: { name: "Publish", done: "Published", skipped: "Not published", missed: "Not published" },
  preview: { name: "Make a preview", done: "Preview made", skipped: "No preview", missed: "No preview" },
};

/** @type {Record<string, string>} */
export const STEP_STATES = {
  waiting: "waiting",
  running: "running",
  done: "done",
  skipped: "skipped",
  retrying: "will be tried again",
  failed: "failed",
};

/** @type {Record<string, {title: string, text: string}>} */
const REFUSALS = {
  infected: {
    title: "There is a virus in it",
    text: "Nobody can download this file. It is locked away and erased after four days. If it came from your computer, have that checked.",
  },
  "could-not-be-scanned": {
    title: "Held back: it could not be scanned for viruses",
    text: "It is kept, but nobody can download it before a scan has passed.",
  },
  "broken-media": {
    title: "The picture is damaged",
    text: "It is cut short or its contents are broken. Open it on your computer, save it again and send that.",
  },
  "media-too-large": {
    title: "The picture has too many pixels",
    text: "Make it smaller and send it again.",
  },
  "type-not-accepted": { title: "Files of this type are not taken here", text: "Send it in another format." },
  "type-mismatch": {
    title: "It is not what its name says",
    text: "The contents are of another type than was announced.",
  },
  "unsafe-svg": {
    title: "The drawing can run code",
    text: "Drawings with scripts or references to other places are refused. Export it as a plain SVG and send that.",
  },
  "svg-too-large": { title: "The drawing is too large to be checked", text: "Make it smaller and send it again." },
  "broken-svg": { title: "The drawing is damaged", text: "It is not a well-formed SVG. Export it again and send that." },
  "size-changed": {
    title: "The stored bytes are not those that were sent",
    text: "Send the file again.",
  },
};

/** Why a checked file was refused. @param {Refusal | null} refusal @returns {{title: string, text: string}} */
export function refusalWords(refusal) {
  const code = refusal?.code ?? "";
  if (code.startsWith("render-")) {
    return {
      title: "The picture could not be decoded",
      text: "It is damaged, or takes more work than is allowed. Save it again in another format and send that.",
    };
  }
  return REFUSALS[code] ?? { title: "The file did not pass its check", text: "Nobody can download it." };
}

/**
 * Why a call failed, and whether trying again may help.
 * @param {Problem} problem @param {number} sent the file's size
 * @returns {{title: string, text: string, again: boolean}}
 */
export function problemWords(problem, sent) {
  const limit = typeof problem.limit === "number" ? ` The limit is ${size(problem.limit)}.` : "";
  switch (problem.code) {
    case "size-over-limit":
    case "body-too-large":
      return { title: "The file is too large", text: `It has ${size(sent)}.${limit}`, again: false };
    case "type-not-accepted":
      return { title: "Files of this type are not taken here", text: "Send it in another format.", again: false };
    case "bad-name":
      return { title: "The file's name cannot be used", text: "Rename it and choose it again.", again: false };
    case "bad-type":
      return { title: "The type of the file is not understood", text: "Your browser announced a type that is none.", again: false };
    case "unauthenticated":
      return { title: "The demo project is gone", text: "Its public key is not known any more. Reload the page.", again: false };
    case "grant-too-narrow":
      return { title: "Uploads from browsers are turned off", text: "The project does not take files with its public key alone.", again: false };
    case "bytes-missing":
    case "size-mismatch":
    case "body-too-short":
    case "body-incomplete":
      return { title: "Not everything arrived", text: "The file changed while it was sent, or the connection broke. Try again.", again: true };
    case "upload-expired":
    case "link-expired":
      return { title: "It took too long", text: "The time for sending is over. Try again.", again: true };
    case "throttled":
      return { title: "Too many uploads at once", text: "Wait a moment and try again.", again: true };
    case "storage-full":
      return { title: "The server has no room left", text: "Somebody has to make room first. Try again later.", again: true };
    case "network":
      return { title: "The connection broke", text: "The server cannot be reached. Try again when you are back online.", again: true };
    case "unreadable":
      return { title: "The file cannot be read", text: "It was moved or changed after you chose it, or it is a folder. Choose it again.", again: true };
    default:
      return problem.status >= 500
        ? { title: "The server is busy", text: "Try again in a moment.", again: true }
        : { title: "The file was not taken", text: problem.detail, again: true };
  }
}

/** `image/jpeg` as people call it. @param {string} type */
export function typeName(type) {
  const known = /** @type {Record<string, string>} */ ({
    "image/svg+xml": "SVG drawing",
    "application/pdf": "PDF",
    "application/zip": "ZIP archive",
    "text/plain": "Text",
    "text/html": "HTML",
    "application/octet-stream": "Unknown",
  });
  const [kind, name = ""] = type.split("/");
  return known[type] ?? (kind === "image" ? `${name.toUpperCase()} picture` : type);
}
