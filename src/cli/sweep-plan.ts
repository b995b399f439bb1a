/** The plan of a sweep from its command line and its file. */

import { resolve } from "node:path";
import { InvalidArgumentError, type Option } from "commander";
import { UsageError } from "../errors.ts";
import { declarationOf, kindNames } from "../kinds/index.ts";
import { ceilings } from "../limits.ts";
import { type Draft, type Plan, planOf, readPlan, type Vocabulary } from "../sweep/index.ts";
import { checkFlags, trainFlags } from "./flags.ts";
import { type SweepOptions, settingFlags } from "./verbs/sweep.ts";

/** A plan, and how to run it. */
export interface SweepRequest {
  readonly plan: Plan;
  readonly out: string;
  readonly jobs?: number;
}

const nameOf = ({ long }: Option): string => (long ?? "--").slice(2);

/** The problem with a value, as the flag's own parser reports it. */
function parseProblem({ parseArg }: Option, text: string): string | undefined {
  try {
    parseArg?.(text, undefined);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidArgumentError || error instanceof UsageError) return error.message;
    throw error;
  }
}

function vocabulary(): Vocabulary {
  const flags = new Map(settingFlags().map((option) => [nameOf(option), option]));
  return {
    models: kindNames,
    names: [...flags.keys()],
    isSwitch: (name) => flags.get(name)?.isBoolean() === true,
    problem(model, name, value) {
      const option = flags.get(name);
      if (option === undefined) return undefined;
      const own = trainFlags.find(({ flag }) => flag === option.long);
      if (own !== undefined && model !== undefined && !own.kinds.has(model)) {
        try {
          checkFlags([own], declarationOf(model), { [own.key]: value });
        } catch (error) {
          if (error instanceof UsageError) return error.message;
          throw error;
        }
      }
      return value === true ? undefined : parseProblem(option, value);
    },
  };
}

/** `lr=1e-3,3e-3` as a name and its values. */
function axisOf(text: string, problems: string[]): readonly (readonly [string, readonly string[]])[] {
  const at = text.indexOf("=");
  if (at < 1) {
    problems.push(`--grid ${text}: expected a name, =, and values, such as lr=1e-3,3e-3.`);
    return [];
  }
  const values = text.slice(at + 1);
  return [
    [
      text.slice(0, at).replace(/^--/, ""),
      values.split(values.includes("|") ? "|" : ",").map((v) => v.trim()),
    ],
  ];
}

/** The plan on the command line. */
function draftOf(options: SweepOptions, command: readonly Option[], problems: string[]): Draft {
  const { model, out, jobs, seeds, grid = [] } = options;
  const axes = grid.flatMap((text) => axisOf(text, problems));
  const twice = axes.find(([name], i) => axes.findIndex(([other]) => other === name) !== i);
  if (twice !== undefined) problems.push(`grid: ${twice[0]} is given twice.`);
  const settings = new Map<string, string | true>();
  for (const option of command) {
    const value = options[option.attributeName()];
    if (typeof value === "string" || value === true) settings.set(nameOf(option), value);
  }
  return {
    ...(model !== undefined && { model }),
    ...(out !== undefined && { out }),
    ...(jobs !== undefined && { jobs }),
    ...(seeds !== undefined && { seeds }),
    settings,
    grid: new Map(axes),
  };
}

/** Merges two plans. It is a problem if both give the same setting, because one of the two would be ignored. */
function together(file: Draft, line: Draft, problems: string[]): Draft {
  const both = (name: string) =>
    problems.push(`${name}: the plan and the command line both give it; leave one of them out.`);
  for (const name of ["model", "out", "jobs", "seeds"] as const)
    if (file[name] !== undefined && line[name] !== undefined) both(name);
  for (const part of ["settings", "grid"] as const)
    for (const name of file[part].keys()) if (line[part].has(name)) both(name);
  return {
    ...file,
    ...line,
    settings: new Map([...file.settings, ...line.settings]),
    grid: new Map([...file.grid, ...line.grid]),
  };
}

/** Checks a plan of another machine, as if it was given here. @throws UsageError that lists every problem. */
export function checkPlan({ model, settings, axes }: Plan): void {
  planOf(
    {
      model,
      settings: new Map(Object.entries(settings)),
      grid: new Map(axes.map(({ name, values }) => [name, values])),
    },
    vocabulary(),
  );
}

/** @throws UsageError that lists every problem of the plan and the command line. */
export function sweepRequest(path: string | undefined, options: SweepOptions): SweepRequest {
  const words = vocabulary();
  const problems: string[] = [];
  const line = draftOf(options, settingFlags(), problems);
  const draft = path === undefined ? line : together(readPlan(path, words, problems), line, problems);
  if (draft.out === undefined || draft.out.trim() === "")
    problems.push("out: expected a folder for the runs; found none.");
  const jobs = draft.jobs === undefined ? undefined : Number(draft.jobs);
  if (jobs !== undefined && !(Number.isSafeInteger(jobs) && jobs >= 1 && jobs <= ceilings.threads.most))
    problems.push(`jobs: expected a whole number from 1 to ${ceilings.threads.most}, found ${draft.jobs}.`);
  const plan = planOf(draft, words, problems);
  return { plan, out: resolve(draft.out ?? ""), ...(jobs !== undefined && { jobs }) };
}
