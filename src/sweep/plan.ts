/** What a sweep trains: one model, with some settings fixed, and a run for each combination of values of the other settings. */
import { UsageError } from "../errors.ts";
import { nearest } from "../options.ts";

/** A setting and its values, as text of a command line. */
export interface Axis {
  /** The flag of `train`, without its dashes. */
  readonly name: string;
  readonly values: readonly string[];
}

/** A checked plan. */
export interface Plan {
  readonly model: string;
  /** Settings that all runs share, by flag; a switch that is on is `true`. */
  readonly settings: Readonly<Record<string, string | true>>;
  readonly axes: readonly Axis[];
}

/** A plan before it is checked. */
export interface Draft {
  readonly model?: string;
  readonly out?: string;
  readonly jobs?: string;
  /** Seeds: `0..4`, `0,3,7`, or one by one. */
  readonly seeds?: string | readonly string[];
  readonly settings: ReadonlyMap<string, string | true>;
  readonly grid: ReadonlyMap<string, readonly string[]>;
}

/** The flags that a plan may use. */
export interface Vocabulary {
  readonly models: readonly string[];
  readonly names: readonly string[];
  /** Whether a flag is a switch, without a value. */
  isSwitch(name: string): boolean;
  /** The problem with a value of a flag, or with the flag for this model; undefined if there is none. */
  problem(model: string | undefined, name: string, value: string | true): string | undefined;
}

/** One run of a sweep. */
export interface PlannedRun {
  /** The name of its folder. */
  readonly name: string;
  /** Its values of the axes. */
  readonly values: Readonly<Record<string, string>>;
}

/** More runs than this are surely a mistake. */
const MOST_RUNS = 10_000;

const listOf = (problems: readonly string[]): string => problems.map((line) => `\n  ${line}`).join("");

/** @throws UsageError with all problems of a plan, one per line. */
export function refuseProblems(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const [first] = problems;
  throw new UsageError(
    problems.length === 1
      ? `sweep: ${first}`
      : `sweep: ${problems.length} problems in the plan:${listOf(problems)}`,
  );
}

/** `0..4` and `0,2,5` as seeds, one by one. */
export function seedsOf(given: string | readonly string[], problems: string[]): readonly string[] {
  return (typeof given === "string" ? given.split(",") : given).flatMap((word) => {
    const text = word.trim();
    const range = /^(\d+)\.\.(\d+)$/.exec(text);
    if (range === null) return [text];
    const [from, to] = [Number(range[1]), Number(range[2])];
    if (to < from || to - from >= MOST_RUNS) {
      problems.push(
        `seeds: expected a range of at most ${MOST_RUNS} seeds, the smaller one first, found ${text}.`,
      );
      return [];
    }
    return Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
  });
}

/** Two texts for the same number are the same value. */
const sameValue = (a: string, b: string): boolean =>
  a === b || (a.trim() !== "" && b.trim() !== "" && Number(a) === Number(b));

function checkValues(
  { name, values }: Axis,
  model: string | undefined,
  words: Vocabulary,
  problems: string[],
): void {
  if (words.isSwitch(name)) {
    problems.push(`${name}: it is a switch and takes no values; give it outside the grid.`);
    return;
  }
  if (values.length === 0) problems.push(`${name}: expected values to try, found none.`);
  values.forEach((value, i) => {
    const wrong = words.problem(model, name, value);
    if (wrong !== undefined) problems.push(`${name}: ${value === "" ? "an empty value" : value}: ${wrong}`);
    if (values.findIndex((other) => sameValue(other, value)) !== i)
      problems.push(`${name}: ${value} is given twice.`);
  });
}

/** Why a name cannot be in a plan; undefined if it can. */
function unknown(name: string, { names }: Vocabulary): string | undefined {
  if (names.includes(name)) return undefined;
  const meant = nearest(name, names);
  return `${name}: there is no such setting.${meant === undefined ? " `tightbound train --help` lists them." : ` Did you mean ${meant}?`}`;
}

/**
 * Checks a draft.
 * @param problems problems found so far; all are reported at once
 * @throws UsageError that lists every problem.
 */
export function planOf(draft: Draft, words: Vocabulary, found: readonly string[] = []): Plan {
  const problems = [...found];
  const model = draft.model !== undefined && words.models.includes(draft.model) ? draft.model : undefined;
  if (draft.model === undefined) problems.push(`model: expected ${words.models.join(", ")}; found none.`);
  else if (model === undefined)
    problems.push(`model: expected ${words.models.join(", ")}; found ${draft.model}.`);
  if (!draft.settings.has("data") && !draft.grid.has("data"))
    problems.push("data: expected mnist or the path of data; found none.");
  const seeds = draft.seeds === undefined ? undefined : seedsOf(draft.seeds, problems);
  if (seeds !== undefined && (draft.settings.has("seed") || draft.grid.has("seed")))
    problems.push("seed: it is given as well as seeds; leave one of them out.");
  for (const [name, value] of draft.settings) {
    const wrong = unknown(name, words);
    if (wrong !== undefined) {
      problems.push(wrong);
      continue;
    }
    if (draft.grid.has(name))
      problems.push(`${name}: it is both in the grid and outside it; leave one of them out.`);
    const bad = words.problem(model, name, value);
    if (bad !== undefined) problems.push(`${name}${value === true ? "" : `: ${value}`}: ${bad}`);
  }
  const axes: Axis[] = [];
  for (const [name, values] of draft.grid) {
    const wrong = unknown(name, words);
    if (wrong !== undefined) problems.push(wrong);
    else {
      axes.push({ name, values });
      checkValues({ name, values }, model, words, problems);
    }
  }
  // If there are no seeds, their range was not valid, which is reported already.
  if (seeds !== undefined && seeds.length > 0) {
    axes.push({ name: "seed", values: seeds });
    checkValues({ name: "seed", values: seeds }, model, words, problems);
  }
  const count = axes.reduce((product, { values }) => product * values.length, 1);
  if (count > MOST_RUNS)
    problems.push(`grid: expected at most ${MOST_RUNS} runs, found ${count} combinations.`);
  refuseProblems(problems);
  return { model: model ?? "", settings: Object.fromEntries(draft.settings), axes };
}

/** A name that a file system and a shell accept unchanged. */
const asName = (text: string): string => text.replaceAll(/[^\w.+-]+/g, "-");

/** All combinations; the last axis varies fastest. */
export function runsOf({ axes }: Plan): readonly PlannedRun[] {
  let all: readonly Readonly<Record<string, string>>[] = [{}];
  for (const { name, values } of axes)
    all = all.flatMap((before) => values.map((value) => ({ ...before, [name]: value })));
  const names = all.map((values) =>
    Object.entries(values)
      .map(([name, value]) => `${name}=${asName(value)}`)
      .join(","),
  );
  const usable = names.every((name) => name !== "" && name.length <= 150);
  const distinct = new Set(names.map((name) => name.toLowerCase())).size === names.length;
  return all.map((values, i) => ({
    name: usable && distinct ? names[i] : `run-${i + 1}`,
    values,
  }));
}

/** The arguments of `train` for a run, without its folder. */
export const trainArguments = ({ model, settings }: Plan, run: PlannedRun): readonly string[] => [
  "train",
  model,
  ...Object.entries({ ...settings, ...run.values }).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}=${value}`],
  ),
];
