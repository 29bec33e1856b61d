// @ts-check
/** What one file looks like on the page, from waiting in line to its pictures or the reason why there are none. */

import { append, copyButton, el, icon, told } from "./dom.js";
import { pictures } from "./pictures.js";
import { STEPS, STEP_STATES, problemWords, refusalWords, size, typeName } from "./words.js";

/**
 * @typedef {import("./api.js").UploadStatus} UploadStatus
 * @typedef {import("./api.js").FileFacts} FileFacts
 * @typedef {import("./api.js").Step} Step
 * @typedef {import("./api.js").Problem} Problem
 * @typedef {"queued" | "sending" | "checking" | "ready" | "refused" | "failed" | "cancelled"} Phase
 */

const LARGEST_THUMB = 40_000_000;

export class Card {
  /**
   * @param {File} file
   * @param {{cancel: () => void, retry: () => void, remove: () => void, changed: () => void}} wishes what its buttons ask
   *   for, and who wants to know about a new phase
   */
  constructor(file, wishes) {
    this.file = file;
    this.wishes = wishes;
    this.thumb = el("div", { class: "thumb" }, icon("file"));
    this.what = el("span", { class: "what" });
    this.numbers = el("span", { class: "numbers" });
    this.bar = el("progress", { class: "bar", max: 1, value: 0, "aria-label": `Sending ${file.name}` });
    this.steps = el("ol", { class: "steps", "aria-label": "Steps", hidden: true });
    this.reason = el("p", { class: "reason", hidden: true });
    this.end = el("div", { class: "end" });
    this.actions = el("div", { class: "actions" });
    this.element = el(
      "li",
      { class: "card" },
      this.thumb,
      el(
        "div",
        {},
        el("h3", { class: "name" }, el("bdi", {}, file.name || "unnamed")),
        el("p", { class: "line" }, this.what, this.numbers),
      ),
      this.actions,
      this.bar,
      this.steps,
      this.reason,
      this.end,
    );
    this.started = 0;
    this.#peek();
  }

  /** A look at a picture that is still on the visitor's machine. */
  #peek() {
    if (!this.file.type.startsWith("image/") || this.file.size > LARGEST_THUMB) return;
    const url = URL.createObjectURL(this.file);
    const image = el("img", { alt: "" });
    image.addEventListener("load", () => {
      this.thumb.replaceChildren(image);
      URL.revokeObjectURL(url);
    });
    image.addEventListener("error", () => URL.revokeObjectURL(url));
    image.src = url;
  }

  /** @param {Phase} phase @param {string} what @param {string} numbers */
  #show(phase, what, numbers) {
    const isNew = this.element.dataset.phase !== phase;
    this.element.dataset.phase = phase;
    this.what.textContent = what;
    this.numbers.textContent = numbers ? ` · ${numbers}` : "";
    this.bar.hidden = phase !== "sending";
    this.#offer(phase);
    if (isNew) this.wishes.changed();
  }

  /** @param {Phase} phase */
  #offer(phase) {
    const offer = phase === "queued" || phase === "sending" ? "cancel" : phase === "checking" ? "" : "remove";
    if (this.actions.dataset.offer === offer) return;
    this.actions.dataset.offer = offer;
    const name = this.file.name;
    this.actions.replaceChildren(
      ...(offer === "cancel" ? [button("Cancel", `Cancel ${name}`, this.wishes.cancel)] : []),
      ...(offer === "remove" ? [button("", `Remove ${name} from this list`, this.wishes.remove, "cross")] : []),
    );
  }

  queued() {
    this.end.replaceChildren();
    this.steps.hidden = this.reason.hidden = true;
    this.#show("queued", "Waiting", size(this.file.size));
  }

  asking() {
    this.bar.removeAttribute("value");
    this.#show("sending", "Asking", size(this.file.size));
  }

  /** @param {number} sent bytes */
  sending(sent) {
    const total = this.file.size;
    if (sent === 0) this.started = performance.now();
    const counted = Math.min(sent, total); // the browser counts a form's wrapping, too
    const elapsed = (performance.now() - this.started) / 1000;
    const speed = elapsed > 0.8 && counted > 0 ? `${size(counted / elapsed)}/s` : "";
    this.bar.max = Math.max(total, 1);
    this.bar.value = total === 0 ? 1 : counted;
    const share = total === 0 ? 100 : Math.floor((counted / total) * 100);
    this.#show(
      "sending",
      counted < total ? `Sending, ${share} %` : "Sent, being stored",
      [`${size(counted)} of ${size(total)}`, speed].filter(Boolean).join(" · "),
    );
  }

  /** @param {UploadStatus | null} status null: confirmed, and no step is known yet */
  checking(status) {
    const now = status ? steps(status) : [];
    const running = now.find((one) => one.state === "running" || one.state === "retrying");
    const label = running?.state === "retrying" ? "Being checked again" : "Being checked";
    this.#show("checking", label, size(this.file.size));
    this.#steps(now);
  }

  /** @param {ReturnType<typeof steps>} now */
  #steps(now) {
    this.steps.hidden = now.length === 0;
    this.steps.replaceChildren(
      ...now.map(({ state, label }) =>
        el(
          "li",
          { class: "step", "data-state": state },
          el("span", { class: "dot" }, mark(state)),
          el("span", {}, label, el("span", { class: "unseen" }, `: ${STEP_STATES[state]}`)),
        ),
      ),
    );
    const again = now.find((one) => one.state === "retrying" && one.reason);
    this.reason.hidden = !again;
    this.reason.textContent = again ? `${again.reason}. Trying again by itself (attempt ${again.attempt} failed).` : "";
  }

  /** Later steps, after the file is ready. @param {UploadStatus} status */
  later(status) {
    this.#steps(steps(status));
  }

  /** @param {UploadStatus} status @param {FileFacts} file */
  ready(status, file) {
    this.#show("ready", "Ready", size(file.size));
    this.#steps(steps(status));
    const result = el(
      "div",
      { class: "result" },
      el(
        "div",
        { class: "uuid" },
        el("code", {}, file.id),
        copyButton(file.id, "Copy", `uuid of ${file.name}`),
        file.urls && copyButton(file.urls.original, "Copy URL", `of ${file.name}`),
        file.urls && link(file.urls.original, file),
      ),
      facts(file),
    );
    if (!file.urls) append(result, [el("p", { class: "quiet" }, "This file is private: it opens with signed URLs only.")]);
    else if (file.image) append(result, [pictures(file)]);
    this.end.replaceChildren(result);
    if (file.urls?.preview && !this.thumb.querySelector("img")) {
      const image = el("img", { alt: "", src: file.urls.preview });
      image.addEventListener("load", () => this.thumb.replaceChildren(image));
    }
  }

  /** @param {UploadStatus} status @param {FileFacts} file */
  refused(status, file) {
    const words = refusalWords(file.refusal);
    this.#show("refused", file.state === "held" ? "Held back" : "Refused", size(file.size));
    this.thumb.replaceChildren(icon("cross"));
    this.#steps(steps(status));
    this.#verdict(words.title, words.text, file.refusal?.detail ?? "", file.state === "held");
    return words;
  }

  /** @param {Problem} problem */
  failed(problem) {
    const words = problemWords(problem, this.file.size);
    this.#show("failed", words.title, size(this.file.size));
    this.steps.hidden = this.reason.hidden = true;
    this.#verdict(words.title, words.text, problem.status > 0 ? problem.detail : "", words.again);
    if (words.again) this.actions.prepend(button("Try again", `Try ${this.file.name} again`, this.wishes.retry, "again"));
    return words;
  }

  cancelled() {
    this.end.replaceChildren();
    this.steps.hidden = this.reason.hidden = true;
    this.#show("cancelled", "Cancelled", "nothing was kept");
    this.actions.prepend(button("Send anyway", `Send ${this.file.name} after all`, this.wishes.retry, "again"));
  }

  /** @param {string} title @param {string} text @param {string} said by the server @param {boolean} isWaiting */
  #verdict(title, text, said, isWaiting) {
    this.end.replaceChildren(
      el(
        "div",
        { class: `verdict ${isWaiting ? "is-waiting" : ""}` },
        el("h4", {}, title),
        el("p", {}, text),
        said && said !== text && el("p", { class: "said" }, "The server says: ", said),
      ),
    );
  }
}

/** @param {UploadStatus} status */
function steps(status) {
  return status.steps.map((step) => ({ state: stateOf(step, status), label: labelOf(step, status), reason: step.reason, attempt: step.attempt }));
}

/**
 * A step's row is written when the step has ended; which one is being done is told by the progress channel, or else it
 * is the first that waits. Reading and scanning are done side by side, before anything else.
 * @param {Step} step @param {UploadStatus} status @returns {Step["state"]}
 */
function stateOf(step, { file, steps, progress }) {
  if (step.state !== "waiting" || (file?.state !== "checking" && file?.state !== "ready")) return step.state;
  const isReading = step.name === "digest" || step.name === "scan";
  if (file.state === "checking" && progress?.step === "inspect") {
    if (isReading) return step.name === "scan" && !told().isScanned ? "skipped" : "done";
    return step.name === "inspect" ? "running" : "waiting";
  }
  if (file.state === "checking" && progress?.step === "digest" && isReading) return "running";
  return step === steps.find((one) => one.state === "waiting") ? "running" : "waiting";
}

/** @param {Step} step @param {UploadStatus} status @returns {string} */
function labelOf(step, status) {
  const words = STEPS[step.name];
  switch (stateOf(step, status)) {
    case "done":
      return words.done;
    case "skipped":
      return status.file?.refusal ? words.missed : words.skipped;
    case "failed":
      return step.name === "scan" && status.file?.state === "quarantined" ? "Virus found" : words.name;
    case "running": {
      const percent = status.progress?.step === step.name ? status.progress.percent : null;
      return percent ? `${words.name}, ${percent} %` : words.name;
    }
    default:
      return words.name;
  }
}

/** @param {string} state */
function mark(state) {
  if (state === "done") return icon("check");
  if (state === "failed") return icon("cross");
  if (state === "skipped") return icon("dash");
  return state === "retrying" ? icon("again") : null;
}

/** @param {FileFacts} file */
function facts(file) {
  const { image } = file;
  const type = file.detected_type ?? file.declared_type;
  const declared = file.declared_type.split(";")[0]?.trim().toLowerCase();
  /** @type {Array<[string, string | null | undefined | false]>} */
  const known = [
    ["Dimensions", image && `${image.width} × ${image.height}`],
    ["Type", typeName(type) + (declared !== type && declared !== "application/octet-stream" ? `, announced as ${declared}` : "")],
    ["Size", `${size(file.size)} (${file.size.toLocaleString("en")})`],
    ["Colours", image?.color_mode],
    ["Frames", image?.sequence && String(image.frames)],
    ["Taken", image?.datetime_original?.replace("T", " ")],
    ["Scan", file.scan === "clean" ? "No virus found" : "Not scanned"],
    ["Kept", file.expires_at ? `until ${when(file.expires_at)}` : "for good"],
    ["SHA-256", file.digests && `${file.digests.sha256.slice(0, 16)}…`],
  ];
  return el(
    "dl",
    { class: "facts" },
    ...known.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

/** @param {string} time ISO 8601 */
function when(time) {
  return new Date(time).toLocaleString("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

/** @param {string} url @param {FileFacts} file */
function link(url, file) {
  const opens = Boolean(file.image);
  return el(
    "a",
    { class: "button", href: url, target: "_blank", rel: "noopener", "aria-label": `${opens ? "Open" : "Download"} ${file.name}` },
    icon(opens ? "open" : "down"),
    opens ? "Original" : "Download",
  );
}

/** @param {string} label @param {string} about @param {() => void} wish @param {"again" | "cross"} [picture] */
function button(label, about, wish, picture) {
  const kind = label ? "button" : "button square";
  return el("button", { type: "button", class: kind, "aria-label": about, click: wish }, picture && icon(picture), label);
}
