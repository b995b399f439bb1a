export {
  LinearGaussianStateSpace,
  LinearGaussianStateSpaceDistribution,
  type StateMoments,
  type StateSpaceOptions,
  type VaryingPart,
} from "./linear-gaussian-state-space.ts";
