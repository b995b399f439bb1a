/**
 * Processes on one machine or several that train one model together, over MPI.
 *
 * @module
 */
export { type Connection, connectRanks } from "./connect.ts";
export { launchOf } from "./launcher.ts";
export {
  alone,
  anyOf,
  fromFirst,
  isOnAllRanks,
  onAllRanks,
  onEveryRank,
  type RankFailure,
  type Ranks,
  rankName,
} from "./ranks.ts";
