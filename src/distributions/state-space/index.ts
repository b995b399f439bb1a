export {
  LinearGaussianStateSpace,
  LinearGaussianStateSpaceDistribution,
  type StateMoments,
} from "./linear-gaussian-state-space.ts";
export type { StateSpaceOptions, StateSpaceParts, VaryingPart } from "./parts.ts";
