/** The flags of the kinds of models: parsed, described and checked from what the kinds declare. */
import type { Option } from "commander";
import { UsageError } from "../errors.ts";
import {
  type DataFacts,
  type Declaration,
  declarations,
  flagsOf,
  listed,
  type Placed,
  placed,
  put,
  type Setting,
  type Tree,
  type VerbName,
} from "../kinds/index.ts";
import { optionFor } from "./parse.ts";
import { grouped } from "./terminal.ts";

/** A flag, and its setting in each kind that has it. */
export interface KindFlag {
  readonly flag: string;
  /** Its name as an option in commander. */
  readonly key: string;
  readonly kinds: ReadonlyMap<string, Placed>;
}

const keyOf = (flag: string): string =>
  flag.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

function collected(
  settingsOf: (declaration: Declaration) => readonly (Placed & { readonly flag: string })[],
): readonly KindFlag[] {
  const flags = new Map<string, Map<string, Placed>>();
  for (const declaration of declarations) {
    for (const one of settingsOf(declaration)) {
      const kinds = flags.get(one.flag) ?? new Map<string, Placed>();
      flags.set(one.flag, kinds.set(declaration.name, one));
    }
  }
  return [...flags].map(([flag, kinds]) => ({ flag, key: keyOf(flag), kinds }));
}

/** The flags of `train` that are settings of a kind. */
export const trainFlags: readonly KindFlag[] = collected(flagsOf);

/** The options that kinds add to a verb. */
export const verbFlags = (verb: VerbName): readonly KindFlag[] =>
  collected(({ verbs }) =>
    placed(verbs[verb] ?? {}).flatMap((one) => (one.flag === undefined ? [] : [{ ...one, flag: one.flag }])),
  );

/** The data for which defaults are shown, because defaults depend on the data. */
const EXAMPLES: readonly (readonly [name: string, facts: DataFacts])[] = [
  ["60,000 images", { rows: 60_000, table: false, labels: 100 }],
  ["1,000 images", { rows: 1000, table: false, labels: 100 }],
  ["a table of 300 rows", { rows: 300, table: true, labels: 30 }],
];

const shown = (value: unknown): string => {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join(",");
  return typeof value === "number" && value >= 1000 ? grouped(value) : String(value);
};

/** The default of a setting as text: `100`, or one value for each kind of data. */
export function defaultText(setting: Setting<unknown>): string | undefined {
  const { default: preset, otherwise } = setting.options;
  if (otherwise !== undefined) return otherwise;
  if (typeof preset !== "function")
    return preset === undefined || preset === false ? undefined : shown(preset);
  const values = EXAMPLES.map(([name, facts]) => [name, shown(setting.on(facts))] as const);
  const [[, first], [, second], [table, third]] = values;
  if (values.every(([, value]) => value === first)) return first;
  if (first === second) return `${first}; ${third} for ${table}`;
  return values.map(([name, value]) => `${value} for ${name}`).join(", ");
}

/** The default on 60,000 images. */
const usual = (setting: Setting<unknown>): string | undefined => {
  const { default: preset, otherwise } = setting.options;
  if (otherwise !== undefined) return otherwise;
  if (preset === undefined || preset === false) return undefined;
  return shown(setting.on(EXAMPLES[0][1]));
};

/** Defaults of several kinds: `20; m1 and m2: 50`. */
function usualByKind(kinds: KindFlag["kinds"]): string | undefined {
  const byText = new Map<string, string[]>();
  for (const [name, { setting }] of kinds) {
    const text = usual(setting);
    if (text !== undefined) byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  const texts = [...byText];
  if (texts.length <= 1) return texts[0]?.[0];
  return texts.map(([text, names]) => `${listed(names)}: ${text}`).join("; ");
}

/** The help text of a flag, for one kind or for all kinds that have it. */
function description({ kinds }: KindFlag, kind: string | undefined): string {
  const own = kind === undefined ? undefined : kinds.get(kind);
  const [first] = kinds.values();
  const { setting } = own ?? first;
  const { choices } = setting.value;
  const { help = "" } = setting.options;
  const preset = own ? defaultText(own.setting) : usualByKind(kinds);
  const only = kind === undefined && kinds.size < declarations.length ? `${listed([...kinds.keys()])}: ` : "";
  return `${only}${help}${choices ? `: ${choices.join(" | ")}` : ""}${preset === undefined ? "" : ` (default: ${preset})`}`;
}

/** A flag as a commander option. Flags that the kind does not have are parsed, so that the error can say why they do not apply, but not listed. */
export function optionOf(flag: KindFlag, kind?: string): Option {
  const { setting } = [...flag.kinds.values()][0];
  const { value, options } = setting;
  const option = optionFor(
    flag.flag,
    value,
    description(flag, kind),
    options.placeholder ?? value.placeholder,
  );
  return kind !== undefined && !flag.kinds.has(kind) ? option.hideHelp() : option;
}

/** Why a kind does not have a flag. */
const whyNot = ({ name, lacks = {} }: Declaration, { flag, kinds }: KindFlag): string =>
  lacks[flag] ?? `${listed([...kinds.keys()])} ${kinds.size === 1 ? "has" : "have"} it; ${name} does not.`;

/** @throws UsageError when the kind does not have a flag, or the flag cannot go with the others. */
export function checkFlags(
  flags: readonly KindFlag[],
  declaration: Declaration,
  options: Readonly<Record<string, unknown>>,
): void {
  const given = new Map(
    flags
      .filter(({ key }) => options[key] !== undefined)
      .map(({ flag, key }) => [flag, options[key]] as const),
  );
  for (const flag of flags.filter(({ key }) => options[key] !== undefined)) {
    const own = flag.kinds.get(declaration.name);
    const why = own === undefined ? whyNot(declaration, flag) : own.setting.options.refuse?.(given);
    if (why !== undefined) throw new UsageError(`${flag.flag} does not apply: ${why} Leave it out.`);
  }
}

/** Only the flags that the user gave, as settings of a run of this kind. */
export function givenSettings(options: Readonly<Record<string, unknown>>, kind: string): Tree {
  const tree: Tree = {};
  for (const { key, kinds } of trainFlags) {
    const own = kinds.get(kind);
    if (own !== undefined && options[key] !== undefined) put(tree, own.path, options[key]);
  }
  return tree;
}

/** Values of a verb's options by the names that the kind gave them. */
export function verbOptions(
  verb: VerbName,
  declaration: Declaration,
  options: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const flags = verbFlags(verb);
  checkFlags(flags, declaration, options);
  return Object.fromEntries(
    flags.flatMap(({ key, kinds }) => {
      const own = kinds.get(declaration.name);
      return own === undefined || options[key] === undefined ? [] : [[own.path, options[key]]];
    }),
  );
}
