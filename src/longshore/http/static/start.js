// @ts-check
/** The start page: takes files by choice, drop and paste, and sees each through, three at a time. */

import { NativeApi, ProblemError, chance, isReadable, patiently, rest, sendBytes } from "./api.js";
import { Card } from "./card.js";
import { byId, codeBlock, say, told } from "./dom.js";
import { size } from "./words.js";

/** @typedef {import("./api.js").Upload} Upload */

const AT_ONCE = 3;
/** How long a file's preview is waited for after the file is ready, ms. */
const PREVIEW_PATIENCE = 20_000;

/** A limit above this is none to a visitor, bytes. */
const WORTH_SAYING = 1e11;

const settings = told();
const api = new NativeApi(settings.api, settings.publicKey ?? "");
const list = byId("files");

/** One file's way: it can be cancelled, and started again. */
class Journey {
  /** @param {File} file */
  constructor(file) {
    this.file = file;
    this.name = file.name || "unnamed";
    this.stop = new AbortController();
    /** @type {Upload | null} */
    this.upload = null;
    this.isSending = false;
    this.card = new Card(file, {
      cancel: () => this.cancel(),
      retry: () => this.again(),
      remove: () => this.remove(),
      changed: tally,
    });
    this.card.queued();
  }

  cancel() {
    this.stop.abort();
    if (line.includes(this)) {
      line.splice(line.indexOf(this), 1);
      this.#cancelled();
    }
  }

  again() {
    this.stop = new AbortController();
    this.upload = null;
    this.card.queued();
    focusOn(this.card.element);
    join(this);
  }

  remove() {
    const next = this.card.element.nextElementSibling ?? this.card.element.previousElementSibling;
    this.card.element.remove();
    journeys.delete(this);
    focusOn(next ?? byId("chosen"));
    tally();
  }

  #cancelled() {
    this.card.cancelled();
    say(`${this.name} is cancelled`);
  }

  /** From asking to its end. Never throws. */
  async travel() {
    try {
      await this.#travel(this.stop.signal);
    } catch (error) {
      if (this.upload && this.isSending) api.abort(this.upload);
      if (this.stop.signal.aborted) {
        this.#cancelled();
      } else if (error instanceof ProblemError) {
        const words = this.card.failed(error.problem);
        say(`${this.name}: ${words.title}. ${words.text}`);
      } else {
        this.card.failed({ code: "page", status: 0, title: "", detail: "Something on this page went wrong" });
        console.error(error);
      }
    } finally {
      this.isSending = false;
    }
  }

  /** @param {AbortSignal} signal */
  async #travel(signal) {
    this.card.asking();
    if (!(await isReadable(this.file))) {
      throw new ProblemError({ code: "unreadable", status: 0, title: "", detail: "" });
    }
    const upload = await api.request(this.file, chance(), signal);
    this.upload = upload;
    this.isSending = true;
    await this.#send(upload, signal);
    this.isSending = false;
    this.card.checking(await api.confirm(upload, signal));
    say(`${this.name} is sent and being checked`);
    await this.#follow(upload, signal);
  }

  /** @param {Upload} upload @param {AbortSignal} signal */
  async #send(upload, signal) {
    const progress = (/** @type {number} */ sent) => this.card.sending(sent);
    const attempt = async (/** @type {Upload} */ { send }) => {
      if (!send) return; // it had arrived before
      progress(0);
      await sendBytes(send, this.file, progress, signal);
    };
    try {
      await attempt(upload);
    } catch (error) {
      if (!(error instanceof ProblemError) || !isWorthAnotherLink(error)) throw error;
      await rest((error.retryAfter ?? 1) * 1000, signal);
      await attempt(await api.again(upload, signal));
    }
    progress(this.file.size);
  }

  /** @param {Upload} upload @param {AbortSignal} signal */
  async #follow(upload, signal) {
    for await (const status of api.follow(upload, signal)) {
      const { file } = status;
      if (!file) {
        throw new ProblemError({ code: "upload-expired", status: 410, title: "", detail: `The upload is ${status.state}` });
      }
      if (file.state === "checking") {
        this.card.checking(status);
      } else if (file.state === "ready") {
        this.card.ready(status, file);
        say(`${this.name} is ready`);
        void this.#preview(upload, signal);
      } else {
        const words = this.card.refused(status, file);
        say(`${this.name} was refused: ${words.title}. ${words.text}`);
      }
    }
  }

  /** The last step comes after the file is ready. @param {Upload} upload @param {AbortSignal} signal */
  async #preview(upload, signal) {
    const until = performance.now() + PREVIEW_PATIENCE;
    try {
      while (performance.now() < until) {
        await rest(700, signal);
        const status = await patiently(signal, () => api.status(upload, signal));
        this.card.later(status);
        if (!status.steps.some((step) => step.name === "preview" && step.state === "waiting")) return;
      }
    } catch {
      // the file is ready; a step that cannot be seen is no reason to alarm anybody
    }
  }
}

/** A link that ended too early, and a connection that broke, are tried once more by themselves. @param {ProblemError} error */
function isWorthAnotherLink({ problem }) {
  return problem.code === "link-expired" || problem.status === 503 || (problem.code === "network" && navigator.onLine);
}

// -- the line ----------------------------------------------------------------------------------------------------------

/** @type {Set<Journey>} */
const journeys = new Set();
/** @type {Journey[]} */
const line = [];
let travelling = 0;

/** @param {Journey} journey */
function join(journey) {
  line.push(journey);
  advance();
}

function advance() {
  while (travelling < AT_ONCE) {
    const journey = line.shift();
    if (!journey) return;
    travelling += 1;
    void journey.travel().then(() => {
      travelling -= 1;
      advance();
    });
  }
}

/** @param {readonly File[]} files */
function take(files) {
  if (files.length === 0) return;
  byId("files-section").hidden = false;
  const taken = files.map((file) => new Journey(file));
  list.prepend(...taken.map((journey) => journey.card.element));
  for (const journey of taken) {
    journeys.add(journey);
    join(journey);
  }
  tally();
  say(files.length === 1 ? `${files[0]?.name} is taken` : `${files.length} files are taken`);
}

function tally() {
  /** @type {Record<string, number>} */
  const count = {};
  for (const { card } of journeys) {
    const phase = card.element.dataset.phase ?? "queued";
    count[phase] = (count[phase] ?? 0) + 1;
  }
  const words = [
    ["ready", "ready"],
    ["sending", "being sent"],
    ["checking", "being checked"],
    ["queued", "waiting"],
    ["refused", "refused"],
    ["failed", "failed"],
  ];
  byId("tally").textContent = words.flatMap(([phase = "", word]) => (count[phase] ? [`${count[phase]} ${word}`] : [])).join(", ");
  byId("files-section").hidden = journeys.size === 0;
}

/** @param {Element} element */
function focusOn(element) {
  const target = element.matches("input, button, a") ? element : element.querySelector("button, a[href]:not([tabindex])");
  if (target instanceof HTMLElement) target.focus();
}

// -- ways in -----------------------------------------------------------------------------------------------------------

function welcome() {
  const form = byId("drop");
  const chosen = /** @type {HTMLInputElement} */ (byId("chosen"));
  form.hidden = false;
  byId("limits").textContent = [
    settings.maxSize && settings.maxSize < WORTH_SAYING ? `Up to ${size(settings.maxSize)} each.` : "",
    settings.isScanned ? "Every file is scanned for viruses." : "No virus scanner is configured here.",
  ].filter(Boolean).join(" ");

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("click", (event) => {
    if (event.target instanceof Element && !event.target.closest("input, label")) chosen.click();
  });
  chosen.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return; // what looks like a button answers to Enter like one
    event.preventDefault();
    chosen.click();
  });
  chosen.addEventListener("change", () => {
    take([...(chosen.files ?? [])]);
    chosen.value = ""; // so that the same file can be chosen again
  });

  // The whole page takes drops: a near miss would make the browser leave it and open the file.
  let depth = 0;
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  const over = (/** @type {number} */ change) => {
    depth = Math.max(0, depth + change);
    form.classList.toggle("is-over", depth > 0);
  };
  document.addEventListener("dragenter", (event) => hasFiles(event) && over(1));
  document.addEventListener("dragleave", (event) => hasFiles(event) && over(-1));
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", async (event) => {
    if (!event.dataTransfer || !hasFiles(event)) return;
    event.preventDefault();
    over(-depth);
    take(await dropped(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => take([...(event.clipboardData?.files ?? [])]));
  addEventListener("beforeunload", (event) => {
    if (travelling > 0 && [...journeys].some((journey) => journey.isSending)) event.preventDefault();
  });
}

/** The files of a drop, with those in folders. @param {DataTransfer} transfer @returns {Promise<File[]>} */
async function dropped(transfer) {
  const files = [...transfer.files]; // the transfer is empty after the first await
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return files;
  const found = await Promise.all(entries.map((entry) => (entry ? walked(entry) : [])));
  return found.flat();
}

/** @param {FileSystemEntry} entry @returns {Promise<File[]>} */
async function walked(entry) {
  if (entry.isFile) {
    return new Promise((resolve) => /** @type {FileSystemFileEntry} */ (entry).file((file) => resolve([file]), () => resolve([])));
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {File[]} */
  const files = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (some.length === 0) return files;
    for (const one of some) files.push(...(await walked(one)));
  }
}

// -- the page ----------------------------------------------------------------------------------------------------------

function showCode() {
  if (!settings.uploadcare) return;
  const origin = settings.api || location.origin;
  byId("code-blocks").append(
    codeBlock(
      `curl -F UPLOADCARE_PUB_KEY=${settings.publicKey} -F file=@photo.jpg ${origin}/base/\n` +
        `curl -o small.webp ${origin}/<uuid>/-/preview/800x600/-/format/webp/`,
      "the commands",
    ),
  );
  byId("code").hidden = false;
}

byId("version").replaceChildren(`Longshore ${settings.version}`);
if (settings.publicKey === null) {
  byId("no-project").hidden = false;
} else {
  welcome();
  showCode();
}
