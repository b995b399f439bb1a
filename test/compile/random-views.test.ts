import { expect, test } from "vitest";
import { disagreements } from "./random-views.ts";

/** `npm run fuzz -- --graphs 2000 --seed 7` draws others. */
const graphs = Number(process.env.TIGHTBOUND_FUZZ_GRAPHS ?? 120);
const first = Number(process.env.TIGHTBOUND_FUZZ_SEED ?? 1) * 1_000_000;

test(
  `${graphs} random graphs on degenerate shapes, with derivatives: native agrees with host in both precisions`,
  async () => {
    const found: string[] = [];
    for (let i = 0; i < graphs; i++) found.push(...(await disagreements(first + i)));
    expect(found).toEqual([]);
  },
  Math.max(300_000, 1_000 * graphs),
);
