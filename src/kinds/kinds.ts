/** Looks up kinds. */
import { InternalError } from "../errors.ts";
import type { Declaration, Kind } from "./kind.ts";
import * as registry from "./registry.ts";
import { type Placed, placed, type Tree } from "./settings/setting.ts";

/** What every kind is, by name. */
export const declarations: readonly Declaration[] = Object.values(registry);

/** The names that `train` accepts. */
export const kindNames: readonly string[] = declarations.map(({ name }) => name);

/** The declaration of a kind. */
export function declarationOf(name: string): Declaration {
  const found = declarations.find((declaration) => declaration.name === name);
  if (found === undefined) throw new InternalError(`there is no kind of model named ${name}`);
  return found;
}

/** The code of a kind, loaded on demand. */
export const kindOf = (name: string): Promise<Kind> => declarationOf(name).load();

/** Whether a run of a kind with these settings learns from labels. */
export const needsLabels = (declaration: Declaration, given: Tree): boolean =>
  "labels" in declaration.settings && (declaration.learnsFromLabels?.(given) ?? true);

/** Settings of a kind that have flags. */
export const flagsOf = (declaration: Declaration): readonly (Placed & { readonly flag: string })[] =>
  placed(declaration.settings).flatMap((one) => (one.flag === undefined ? [] : [{ ...one, flag: one.flag }]));

/** `m1, m2 and m1m2`. */
export const listed = (names: readonly string[], last = "and"): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${last} ${names.at(-1)}`;

/** Files and folders that runs of any kind add to the common ones. A new run may replace them. */
export const ownedByKinds = {
  files: declarations.flatMap(({ files = [] }) => files),
  folders: declarations.flatMap(({ base }) => base?.folder ?? []),
};
