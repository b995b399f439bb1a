/** Rewrites that pay only on ONNX Runtime, which runs one op at a time over whole operands. */
import { fuseMatmulAdd, type Tensor } from "../tensor/index.ts";
import { applyRule } from "./graph.ts";
import { joinProducts } from "./joint-products.ts";
import { shareExponentials } from "./native-logistic.ts";
import { matchRanks } from "./native-scalars.ts";
import { rewriteSums } from "./native-sums.ts";
import { regroup } from "./regroup.ts";
import { simplify } from "./simplify.ts";

/** Applies the rules to simplified outputs. */
export function applyNativeRules(outputs: readonly Tensor[]): readonly Tensor[] {
  const summed = shareExponentials(rewriteSums(regroup(outputs)));
  const joined = joinProducts(regroup(simplify(summed)));
  return matchRanks(applyRule(simplify(joined), fuseMatmulAdd));
}
