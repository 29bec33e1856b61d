// @ts-check
/** The API reference, drawn from the OpenAPI document. Understands as much of OpenAPI as that document uses. */

import { byId, codeBlock, el, told } from "./dom.js";

/**
 * @typedef {{$ref?: string, type?: string, title?: string, description?: string, format?: string, enum?: string[], const?: unknown,
 *   default?: unknown, pattern?: string, minimum?: number, maximum?: number, minLength?: number, maxLength?: number,
 *   minItems?: number, maxItems?: number, properties?: Record<string, Schema>, required?: string[], items?: Schema,
 *   anyOf?: Schema[], allOf?: Schema[], additionalProperties?: boolean | Schema, contentSchema?: Schema}} Schema
 * @typedef {{name: string, in: string, required: boolean, description?: string, schema: Schema}} Parameter
 * @typedef {{description: string, content?: Record<string, {schema: Schema}>}} Answer
 * @typedef {{operationId: string, summary: string, tags: string[], security: Array<Record<string, string[]>>,
 *   parameters: Parameter[], responses: Record<string, Answer>, requestBody?: {content: Record<string, {schema: Schema}>}}} Operation
 * @typedef {{info: {title: string, version: string, description: string}, servers: Array<{url: string}>,
 *   tags: Array<{name: string}>, paths: Record<string, Record<string, Operation>>,
 *   components: {schemas: Record<string, Schema>, securitySchemes: Record<string, {description: string}>}}} Description
 */

const KEYS = /** @type {Record<string, string>} */ ({
  secretKey: "a secret key",
  uploadToken: "an upload token",
  ownToken: "the upload’s own token",
  publicKey: "the public key",
});
const DEPTH = 4;

/** Reads and draws one document. */
class Reference {
  /** @param {Description} description */
  constructor(description) {
    this.description = description;
    /** @type {Array<{path: string, method: string, operation: Operation}>} */
    this.operations = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
  }

  /** @param {Schema} schema @returns {Schema} */
  resolved(schema) {
    if (!schema.$ref) return schema;
    const name = schema.$ref.split("/").at(-1) ?? "";
    return this.description.components.schemas[name] ?? {};
  }

  intro() {
    const { info, components } = this.description;
    return el(
      "section",
      { class: "intro" },
      el("h1", {}, info.title),
      ...info.description.split("\n\n").map((paragraph) => el("p", {}, ...prose(paragraph))),
      el("h2", {}, "Who may call"),
      el("p", {}, ...prose("Keys and tokens go into `Authorization: Bearer …`; where a client cannot set headers, the public key goes into `?pub_key=`.")),
      el(
        "dl",
        { class: "keys" },
        ...Object.entries(components.securitySchemes).map(([name, scheme]) =>
          el("div", {}, el("dt", {}, sentence(KEYS[name] ?? name)), el("dd", {}, ...prose(scheme.description))),
        ),
      ),
    );
  }

  /** @param {string} tag */
  contents(tag) {
    return el(
      "section",
      { "data-tag": tag },
      el("h2", {}, sentence(tag)),
      el(
        "ul",
        {},
        ...this.#of(tag).map(({ method, path, operation }) =>
          el(
            "li",
            { "data-words": `${operation.operationId} ${method} ${path} ${operation.summary}`.toLowerCase() },
            el("a", { href: `#${operation.operationId}` }, methodName(method), operation.operationId),
          ),
        ),
      ),
    );
  }

  /** @param {string} tag */
  section(tag) {
    return el(
      "section",
      { "aria-label": tag },
      el("h2", { class: "tag" }, tag),
      ...this.#of(tag).map(({ method, path, operation }) => this.operation(method, path, operation)),
    );
  }

  /** @param {string} tag */
  #of(tag) {
    return this.operations.filter(({ operation }) => operation.tags.includes(tag));
  }

  /** @param {string} method @param {string} path @param {Operation} operation */
  operation(method, path, operation) {
    const answers = Object.entries(operation.responses);
    const body = operation.requestBody?.content["application/json"]?.schema;
    const allowed = operation.security.flatMap((way) => Object.keys(way)).map((name) => KEYS[name] ?? name);
    return el(
      "article",
      { class: "operation", id: operation.operationId, "aria-labelledby": `${operation.operationId}-title` },
      el(
        "header",
        {},
        el("h3", { id: `${operation.operationId}-title` }, ...prose(operation.summary)),
        el(
          "p",
          { class: "path" },
          methodName(method),
          el("span", {}, ...path.split(/(\{\w+\})/).map((part) => (part.startsWith("{") ? el("var", {}, part) : part))),
          el("a", { href: `#${operation.operationId}`, "aria-label": `Link to ${operation.operationId}` }, operation.operationId),
        ),
      ),
      el("p", { class: "quiet" }, `With ${list(allowed)}.`),
      ...(operation.parameters.length > 0 ? [el("h4", {}, "Parameters"), parameters(operation.parameters)] : []),
      ...(body ? [el("h4", {}, "Body"), this.shape(body)] : []),
      el("h4", {}, "Answer"),
      ...answers.filter(([status]) => status < "400").map(([status, answer]) => this.answer(status, answer)),
      el("h4", {}, "Problems"),
      problems(answers.filter(([status]) => status >= "400")),
      el("h4", {}, "Example"),
      codeBlock(this.curl(method, path, operation), `the example of ${operation.operationId}`),
    );
  }

  /** @param {string} status @param {Answer} answer */
  answer(status, answer) {
    const [type, content] = Object.entries(answer.content ?? {})[0] ?? [];
    const schema = content?.schema;
    return el(
      "div",
      { class: "answer" },
      el("p", {}, el("strong", {}, status), ` ${answer.description}`, type && type !== "application/json" && ` as ${type}; each event’s data:`),
      schema && this.shape(schema.contentSchema ?? schema),
    );
  }

  /** A schema as a folded list of its fields. @param {Schema} schema */
  shape(schema) {
    const object = this.#object(schema);
    const about = object?.description;
    const fields = object && Object.keys(object.properties ?? {}).length;
    return el(
      "div",
      { class: "shape" },
      el("p", {}, el("span", { class: "type" }, this.typeName(schema)), about && " – ", ...(about ? prose(about) : [])),
      fields && el("details", { open: fields <= 4 }, el("summary", {}, fields === 1 ? "1 field" : `${fields} fields`), this.fields(object, 1)),
    );
  }

  /** @param {Schema} object @param {number} depth @returns {HTMLElement} */
  fields(object, depth) {
    return el(
      "ul",
      { class: "fields" },
      ...Object.entries(object.properties ?? {}).map(([name, schema]) => {
        const within = depth < DEPTH ? this.#object(schema) : null;
        const bare = this.#bare(schema);
        const about = schema.description ?? bare.description ?? within?.description;
        return el(
          "li",
          {},
          el(
            "div",
            { class: "field" },
            el("b", {}, name),
            el("span", { class: "type" }, this.typeName(schema)),
            object.required?.includes(name) && el("span", { class: "must" }, "required"),
            el("span", { class: "more" }, bounds(bare, schema.default)),
          ),
          about && el("p", { class: "about" }, ...prose(about)),
          within?.properties && el("details", {}, el("summary", {}, `Fields of ${within.title ?? name}`), this.fields(within, depth + 1)),
        );
      }),
    );
  }

  /** The schema without `null` and references. @param {Schema} schema @returns {Schema} */
  #bare(schema) {
    const some = schema.anyOf?.filter((one) => one.type !== "null") ?? [];
    return this.resolved(some.length === 1 && some[0] ? some[0] : schema);
  }

  /** The object that this schema is, or is a list of, if any. @param {Schema} schema @returns {Schema | null} */
  #object(schema) {
    const bare = this.#bare(schema);
    if (bare.properties) return bare;
    for (const one of bare.anyOf ?? []) {
      const object = this.#object(one);
      if (object) return object;
    }
    return bare.items ? this.#object(bare.items) : null;
  }

  /** @param {Schema} schema @returns {string} */
  typeName(schema) {
    if (schema.anyOf) return schema.anyOf.map((one) => this.typeName(one)).join(" | ");
    const bare = this.resolved(schema);
    if (bare.anyOf) return this.typeName(bare);
    if (bare.enum) return bare.enum.map((value) => JSON.stringify(value)).join(" | ");
    if (bare.items) return `list of ${this.typeName(bare.items)}`;
    if (bare.properties) return bare.title ?? "object";
    if (bare.type === "object" && typeof bare.additionalProperties === "object") return `map of ${this.typeName(bare.additionalProperties)}`;
    return bare.format ? `${bare.type} (${bare.format})` : (bare.type ?? "any");
  }

  /** @param {string} method @param {string} path @param {Operation} operation */
  curl(method, path, operation) {
    const ways = operation.security.flatMap((way) => Object.keys(way));
    const server = this.description.servers[0]?.url || location.origin;
    const byKey = ways.includes("publicKey");
    const token = ways.includes("ownToken") ? "$TOKEN" : "$SECRET_KEY";
    const url = server + path.replace(/\{(\w+)\}/g, (_, name) => `$${name.toUpperCase()}`) + (byKey ? "?pub_key=$PUBLIC_KEY" : "");
    const streams = operation.responses["200"]?.content?.["text/event-stream"];
    const body = operation.requestBody?.content["application/json"]?.schema;
    const lines = [`curl ${streams ? "-N " : ""}${method === "get" ? "" : `-X ${method.toUpperCase()} `}"${url}"`];
    if (!byKey) lines.push(`-H "Authorization: Bearer ${token}"`);
    if (body) lines.push('-H "Content-Type: application/json"', `-d '${JSON.stringify(this.example(body))}'`);
    return lines.join(" \\\n  ");
  }

  /** A short body that the operation takes. @param {Schema} schema @returns {unknown} */
  example(schema) {
    const object = this.#object(schema);
    const names = object?.required?.length ? [...object.required] : Object.keys(object?.properties ?? {}).slice(0, 3);
    if (object?.properties?.size && object.required?.includes("name")) names.push("size");
    return Object.fromEntries(names.map((name) => [name, EXAMPLES[name] ?? this.#value(object?.properties?.[name] ?? {})]));
  }

  /** @param {Schema} schema */
  #value(schema) {
    const bare = this.#bare(schema);
    if (schema.default !== undefined && schema.default !== null) return schema.default;
    if (bare.enum) return bare.enum[0];
    return { integer: 1, number: 1, boolean: true, array: [], object: {} }[bare.type ?? ""] ?? "…";
  }
}

/** @type {Record<string, unknown>} */
const EXAMPLES = {
  name: "photo.jpg",
  type: "image/jpeg",
  size: 1921680,
  operations: "-/preview/800x600/",
  accept: ["image/jpeg", "image/png"],
  sizes: { "*": 10000000 },
  stored: true,
  version: 2,
};

/** @param {string} method */
function methodName(method) {
  return el("span", { class: `method ${method}` }, method.toUpperCase());
}

/** @param {Parameter[]} given */
function parameters(given) {
  return table(
    ["Name", "In", "Meaning"],
    given.map((one) => [el("code", {}, one.name), one.in, el("p", {}, ...prose(one.description ?? typeOf(one.schema)))]),
  );
}

/** @param {Schema} schema */
function typeOf(schema) {
  return schema.format === "uuid" ? "A uuid" : schema.type === "integer" ? "A whole number" : "Text, percent-encoded";
}

/** Status, code and title of each. @param {Array<[string, Answer]>} answers */
function problems(answers) {
  return table(
    ["Status", "Code", "Meaning"],
    answers.flatMap(([status, answer]) =>
      [...answer.description.matchAll(/^- `([^`]+)`: (.*)$/gm)].map(([, code = "", title = ""], index) => [
        index === 0 ? status : el("span", { class: "unseen" }, status),
        el("code", {}, code),
        title,
      ]),
    ),
  );
}

/** @param {string[]} heads @param {Array<Array<Node | string>>} rows */
function table(heads, rows) {
  return el(
    "div",
    { class: "scroll" },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((cell) => el("td", {}, cell))))),
    ),
  );
}

/** @param {Schema} schema @param {unknown} preset */
function bounds(schema, preset) {
  const known = [];
  const number = (/** @type {number} */ value) => value.toLocaleString("en");
  if (schema.minimum !== undefined && schema.maximum !== undefined) known.push(`${number(schema.minimum)} to ${number(schema.maximum)}`);
  else if (schema.minimum !== undefined) known.push(`at least ${number(schema.minimum)}`);
  if (schema.maxLength !== undefined) known.push(`${schema.minLength ? `${schema.minLength} to ` : "up to "}${number(schema.maxLength)} characters`);
  if (preset !== undefined && preset !== null) known.push(`default ${JSON.stringify(preset)}`);
  return known.join(", ");
}

/** Text in which `code` is code. @param {string} text @returns {Array<Node | string>} */
function prose(text) {
  return text.split(/(`[^`]+`)/).map((part) => (part.startsWith("`") ? el("code", {}, part.slice(1, -1)) : part));
}

/** @param {string} words */
function sentence(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @param {string[]} words */
function list(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

// -- the page ----------------------------------------------------------------------------------------------------------

function filtering() {
  const field = /** @type {HTMLInputElement} */ (byId("filter"));
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    field.closest(".side")?.classList.toggle("is-filtering", words.length > 0);
    for (const section of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#contents section"))) {
      let some = false;
      for (const item of /** @type {NodeListOf<HTMLElement>} */ (section.querySelectorAll("[data-words]"))) {
        item.hidden = !words.every((word) => item.dataset.words?.includes(word));
        some ||= !item.hidden;
      }
      section.hidden = !some;
    }
  });
}

/** Mark in the contents what is being read. */
function marking() {
  /** @type {Set<Element>} */
  const seen = new Set();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) isIntersecting ? seen.add(target) : seen.delete(target);
      const first = [...document.querySelectorAll(".operation")].find((operation) => seen.has(operation));
      for (const link of document.querySelectorAll("#contents a")) {
        if (first && link.getAttribute("href") === `#${first.id}`) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    },
    { rootMargin: "0px 0px -60% 0px" },
  );
  for (const operation of document.querySelectorAll(".operation")) observer.observe(operation);
}

async function draw() {
  const settings = told();
  const main = byId("content");
  byId("document").setAttribute("href", settings.openapi);
  try {
    const response = await fetch(settings.openapi);
    if (!response.ok) throw new Error(`status ${response.status}`);
    const reference = new Reference(await response.json());
    const tags = reference.description.tags.map(({ name }) => name);
    byId("contents").replaceChildren(...tags.map((tag) => reference.contents(tag)));
    main.replaceChildren(reference.intro(), ...tags.map((tag) => reference.section(tag)));
    filtering();
    marking();
    if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  } catch (error) {
    byId("loading").textContent = `The description of the API cannot be read (${error instanceof Error ? error.message : error}). Reload the page to try again.`;
  } finally {
    main.removeAttribute("aria-busy");
  }
}

void draw();
