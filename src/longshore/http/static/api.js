// @ts-check
/**
 * The native API as a browser uses it: request, send, confirm, follow, abort. No DOM.
 *
 * Wire types as in the OpenAPI document.
 * @typedef {"waiting" | "running" | "done" | "skipped" | "retrying" | "failed"} StepState
 * @typedef {{name: "digest" | "scan" | "inspect" | "publish" | "preview", state: StepState, attempt: number,
 *   reason: string | null, updated_at: string}} Step
 * @typedef {{code: string, detail: string}} Refusal
 * @typedef {{format: string, width: number, height: number, color_mode: string, sequence: boolean, frames: number,
 *   datetime_original: string | null}} ImageFacts
 * @typedef {{id: string, state: "checking" | "ready" | "removed" | "quarantined" | "rejected" | "held", name: string,
 *   size: number, declared_type: string, detected_type: string | null, scan: "clean" | "infected" | "unscanned" | null,
 *   digests: {sha256: string} | null, image: ImageFacts | null, refusal: Refusal | null,
 *   urls: {original: string, preview: string | null} | null, expires_at: string | null}} FileFacts
 * @typedef {{id: string, state: string, file: FileFacts | null, steps: Step[],
 *   progress: {step: string, percent: number | null} | null}} UploadStatus
 * @typedef {{method: string, url: string, headers: Record<string, string>}} Send
 * @typedef {{id: string, send: Send | null, write_token: string, read_token: string}} Upload
 * @typedef {{code: string, status: number, title: string, detail: string, [field: string]: unknown}} Problem
 */

/** A problem document, or what stands for one when there was no answer. */
export class ProblemError extends Error {
  /** @param {Problem} problem @param {number | null} retryAfter seconds */
  constructor(problem, retryAfter = null) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

const NETWORK = { code: "network", status: 0, title: "No answer", detail: "The server did not answer" };
/** Browsers set these themselves and complain when a script does. */
const FORBIDDEN = new Set(["content-length", "host", "connection"]);
const PATIENCE = 4;
/** An events stream that is silent for this long is given up, ms. */
const SILENCE = 15_000;

export class NativeApi {
  /** @param {string} base `""` or an origin @param {string} publicKey */
  constructor(base, publicKey) {
    this.base = `${base}/api/v1/uploads`;
    this.publicKey = publicKey;
  }

  /**
   * Ask to bring a file. Safe to repeat with the same `key`.
   * @param {File} file @param {string} key @param {AbortSignal} signal @returns {Promise<Upload>}
   */
  request(file, key, signal) {
    const body = { name: file.name || "unnamed", type: file.type || "application/octet-stream", size: file.size };
    return patiently(signal, () =>
      ask(`${this.base}?pub_key=${encodeURIComponent(this.publicKey)}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: JSON.stringify(body),
        signal,
      }),
    );
  }

  /** A fresh link for an open upload. @param {Upload} upload @param {AbortSignal} signal @returns {Promise<Upload>} */
  again(upload, signal) {
    return patiently(signal, () =>
      ask(`${this.base}/${upload.id}/link`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${upload.write_token}` },
        body: "{}",
        signal,
      }),
    );
  }

  /** May be repeated, and is. @param {Upload} upload @param {AbortSignal} signal @returns {Promise<UploadStatus>} */
  confirm(upload, signal) {
    return patiently(signal, () =>
      ask(`${this.base}/${upload.id}/confirm`, { method: "POST", headers: { Authorization: `Bearer ${upload.write_token}` }, signal }),
    );
  }

  /** @param {Upload} upload @param {AbortSignal} signal @returns {Promise<UploadStatus>} */
  status(upload, signal) {
    return ask(`${this.base}/${upload.id}`, { headers: { Authorization: `Bearer ${upload.read_token}` }, signal });
  }

  /** Leave nothing behind; also when the page is being closed. @param {Upload} upload */
  abort(upload) {
    fetch(`${this.base}/${upload.id}`, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${upload.write_token}` },
      keepalive: true,
    }).catch(() => {});
  }

  /**
   * The upload's status whenever it changed, until its check is over: by events, and when they fail by asking.
   * @param {Upload} upload @param {AbortSignal} signal @returns {AsyncGenerator<UploadStatus>}
   */
  async *follow(upload, signal) {
    try {
      for await (const status of this.events(upload, signal)) {
        yield status;
        if (isOver(status)) return;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ProblemError && error.problem.status >= 400 && error.problem.status < 429) throw error;
    }
    for (let pause = 300; ; pause = Math.min(pause * 1.5, 3000)) {
      const status = await patiently(signal, () => this.status(upload, signal));
      yield status;
      if (isOver(status)) return;
      await rest(pause, signal);
    }
  }

  /**
   * Server-sent events by fetch, because an EventSource cannot carry a token in a header.
   * @param {Upload} upload @param {AbortSignal} signal @returns {AsyncGenerator<UploadStatus>}
   */
  async *events(upload, signal) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE);
    const abort = () => silence.abort();
    signal.addEventListener("abort", abort);
    try {
      const response = await fetch(`${this.base}/${upload.id}/events`, {
        headers: { Authorization: `Bearer ${upload.read_token}`, Accept: "text/event-stream" },
        cache: "no-store",
        signal: silence.signal,
      });
      if (!response.ok || response.body === null) throw await problemOf(response);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE);
        text = (text + value).replaceAll("\r\n", "\n");
        for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
          const { event, data } = parseEvent(text.slice(0, end));
          text = text.slice(end + 2);
          if (event === "end") {
            reader.cancel().catch(() => {});
            return;
          }
          if (event === "status") yield JSON.parse(data);
        }
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      silence.abort(); // gives the connection back when the reader leaves early
    }
  }
}

/** @param {UploadStatus} status */
export function isOver(status) {
  return status.file ? status.file.state !== "checking" : status.state === "aborted" || status.state === "expired";
}

/**
 * The bytes themselves. XHR, because fetch does not tell how much has gone out.
 * @param {Send} send @param {File} file @param {(sent: number) => void} progress @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function sendBytes(send, file, progress, signal) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const abort = () => xhr.abort();
    const settle = (/** @type {() => void} */ then) => {
      signal.removeEventListener("abort", abort);
      then();
    };
    xhr.open(send.method, send.url);
    for (const [name, value] of Object.entries(send.headers)) {
      if (!FORBIDDEN.has(name.toLowerCase())) xhr.setRequestHeader(name, value);
    }
    xhr.upload.onprogress = (event) => progress(event.loaded);
    xhr.onload = () =>
      settle(() => {
        // The link is write-once: 412 says that an earlier try had arrived after all.
        if ((xhr.status >= 200 && xhr.status < 300) || xhr.status === 412) resolve();
        else reject(new ProblemError(parseProblem(xhr.responseText, xhr.status), seconds(xhr.getResponseHeader("Retry-After"))));
      });
    xhr.onerror = () => settle(() => reject(new ProblemError(NETWORK)));
    xhr.onabort = () => settle(() => reject(new DOMException("Cancelled", "AbortError")));
    signal.addEventListener("abort", abort);
    if (signal.aborted) settle(() => reject(new DOMException("Cancelled", "AbortError")));
    else xhr.send(file);
  });
}

/** Whether the file's bytes can be had at all: folders and moved files cannot. @param {File} file */
export async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

/** 128 bits of chance; `crypto.randomUUID` is missing on pages that come over plain HTTP. */
export function chance() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Try again what failed for a passing reason, after as long as the server asks for.
 * @template T @param {AbortSignal} signal @param {() => Promise<T>} call @returns {Promise<T>}
 */
export async function patiently(signal, call) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const passing = error instanceof ProblemError && [0, 429, 502, 503, 504].includes(error.problem.status);
      if (!passing || attempt === PATIENCE) throw error;
      await rest(Math.min(error.retryAfter ?? 0.4 * 2 ** attempt, 10) * 1000, signal);
    }
  }
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
export function rest(ms, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** @param {string} url @param {RequestInit & {signal: AbortSignal}} init @returns {Promise<any>} */
async function ask(url, init) {
  let response;
  try {
    response = await fetch(url, { ...init, cache: "no-store" });
    if (response.ok) return response.status === 204 ? null : await response.json();
  } catch {
    init.signal.throwIfAborted();
    throw new ProblemError(NETWORK);
  }
  throw await problemOf(response);
}

/** @param {Response} response @returns {Promise<ProblemError>} */
async function problemOf(response) {
  const text = await response.text().catch(() => "");
  return new ProblemError(parseProblem(text, response.status), seconds(response.headers.get("Retry-After")));
}

/** A proxy in between may answer with anything. @param {string} text @param {number} status @returns {Problem} */
function parseProblem(text, status) {
  try {
    const problem = JSON.parse(text);
    if (typeof problem?.code === "string") return { title: problem.code, detail: problem.title ?? problem.code, ...problem, status };
  } catch {
    // not a problem document
  }
  return { code: `http-${status}`, status, title: `Status ${status}`, detail: `The server answered with status ${status}` };
}

/** @param {string | null} header */
function seconds(header) {
  const value = Number(header);
  return header !== null && Number.isFinite(value) ? value : null;
}

/** @param {string} frame */
function parseEvent(frame) {
  let event = "message";
  const data = [];
  for (const line of frame.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return { event, data: data.join("\n") };
}
