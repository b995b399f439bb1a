import type { StanProgram } from "./program.ts";
import { countPrograms } from "./programs/counts.ts";
import { equationPrograms } from "./programs/equations.ts";
import { fieldPrograms } from "./programs/fields.ts";
import { hierarchyPrograms } from "./programs/hierarchies.ts";
import { itemPrograms } from "./programs/items.ts";
import { mixturePrograms } from "./programs/mixtures.ts";
import { radonPrograms } from "./programs/radon.ts";
import { regressionPrograms } from "./programs/regressions.ts";
import { seriesPrograms } from "./programs/series.ts";

/** The Stan programs of posteriordb that have no reference draws; those with are in `test/posteriors/programs`. */
export const stanPrograms: readonly StanProgram[] = [
  ...radonPrograms,
  ...regressionPrograms,
  ...countPrograms,
  ...hierarchyPrograms,
  ...itemPrograms,
  ...mixturePrograms,
  ...seriesPrograms,
  ...equationPrograms,
  ...fieldPrograms,
];
