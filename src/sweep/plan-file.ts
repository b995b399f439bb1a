/** A plan as a YAML file. */
import { readFileSync, statSync } from "node:fs";
import { parseDocument } from "yaml";
import { UsageError } from "../errors.ts";
import { reason } from "../files/index.ts";
import type { Draft, Vocabulary } from "./plan.ts";

/** A plan is a page of text. A file this large was given by mistake. */
const MOST_BYTES = 1_000_000;

function textOf(path: string): string {
  try {
    if (statSync(path).size > MOST_BYTES)
      throw new UsageError(`${path}: expected a plan, a short YAML file; found more than a megabyte.`);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path}: expected a plan in YAML, but the file cannot be read: ${reason(error)}.`);
  }
}

/** A scalar as it was written, and a list in the form that a flag takes, separated by commas. */
function valueText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join(",");
  return undefined;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The content of a plan as JavaScript values. Every scalar stays text, as in the file. */
function contentOf(path: string): Record<string, unknown> {
  const document = parseDocument(textOf(path), { schema: "failsafe" });
  const [error] = document.errors;
  if (error !== undefined)
    throw new UsageError(`${path}: it is not valid YAML: ${error.message.split("\n")[0].replace(/:$/, "")}.`);
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new UsageError(`${path}: it is not a plan: ${reason(cause)}.`);
  }
  if (isMap(content)) return content;
  throw new UsageError(
    `${path}: expected a plan: names and values, such as \`model: vae\` and \`data: mnist\`.`,
  );
}

/**
 * Reads a plan. Every name in it except `model`, `out`, `jobs`, `seeds` and `grid` is a flag of `train` without its dashes.
 *
 * ```yaml
 * model: vae
 * data: mnist
 * epochs: 10
 * grid:
 *   lr: [1e-3, 3e-3]
 *   hidden: [400, [600, 600]]
 * seeds: 0..4
 * out: runs/sweep
 * ```
 *
 * @param problems receives the problems of the plan
 * @throws UsageError when it cannot be read as YAML; the message names the line.
 */
export function readPlan(path: string, words: Vocabulary, problems: string[]): Draft {
  const { model, out, jobs, seeds, grid = {}, ...rest } = contentOf(path);
  const single = (name: string, value: unknown): string | undefined => {
    if (value === undefined || typeof value === "string") return value;
    problems.push(`${name}: expected one value, found ${Array.isArray(value) ? "a list" : "names"}.`);
    return undefined;
  };
  const settings = new Map<string, string | true>();
  for (const [name, value] of Object.entries(rest)) {
    const text = valueText(value);
    if (words.isSwitch(name)) {
      if (text === "true") settings.set(name, true);
      else if (text !== "false") problems.push(`${name}: expected true or false, found ${text ?? "names"}.`);
    } else if (text === undefined) problems.push(`${name}: expected a value, found names or lists in lists.`);
    else settings.set(name, text);
  }
  const axes = new Map<string, readonly string[]>();
  if (!isMap(grid)) problems.push("grid: expected names with lists of values, such as `lr: [1e-3, 3e-3]`.");
  for (const [name, value] of Object.entries(isMap(grid) ? grid : {})) {
    const values = Array.isArray(value) ? value.map(valueText) : [valueText(value)];
    if (values.some((text) => text === undefined)) problems.push(`grid: ${name}: expected a list of values.`);
    axes.set(
      name,
      values.filter((text) => text !== undefined),
    );
  }
  const list = Array.isArray(seeds) ? seeds.map(String) : single("seeds", seeds);
  const text = {
    model: single("model", model),
    out: single("out", out),
    jobs: single("jobs", jobs),
  };
  return {
    ...(text.model !== undefined && { model: text.model }),
    ...(text.out !== undefined && { out: text.out }),
    ...(text.jobs !== undefined && { jobs: text.jobs }),
    ...(list !== undefined && { seeds: list }),
    settings,
    grid: axes,
  };
}
