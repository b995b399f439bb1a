/** Looking kinds up. */
import { InternalError } from "../errors.ts";
import type { Declaration, Kind } from "./kind.ts";
import * as registry from "./registry.ts";
import { type Placed, placed, type Tree } from "./settings/setting.ts";

/** What every kind is, by name. */
export const declarations: readonly Declaration[] = Object.values(registry);

/** The first words that `train` takes. */
export const kindNames: readonly string[] = declarations.map(({ name }) => name);

/** What a kind is. */
export function declarationOf(name: string): Declaration {
  const found = declarations.find((declaration) => declaration.name === name);
  if (found === undefined) throw new InternalError(`there is no kind of model named ${name}`);
  return found;
}

/** What a kind does: its code is loaded when it is asked for. */
export const kindOf = (name: string): Promise<Kind> => declarationOf(name).load();

/** Whether a run of a kind learns from labels, by what was given. */
export const needsLabels = (declaration: Declaration, given: Tree): boolean =>
  "labels" in declaration.settings && (declaration.learnsFromLabels?.(given) ?? true);

/** Settings of a kind that have flags. */
export const flagsOf = (declaration: Declaration): readonly (Placed & { readonly flag: string })[] =>
  placed(declaration.settings).flatMap((one) => (one.flag === undefined ? [] : [{ ...one, flag: one.flag }]));

/** `m1, m2 and m1m2`. */
export const listed = (names: readonly string[], last = "and"): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${last} ${names.at(-1)}`;

/** Files and folders that a run of any kind may have beside the common ones: those that a new run may replace. */
export const ownedByKinds = {
  files: declarations.flatMap(({ files = [] }) => files),
  folders: declarations.flatMap(({ base }) => base?.folder ?? []),
};
