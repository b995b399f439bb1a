/** Pieces of a trajectory of the no-U-turn sampler, in memory that is used again. */
import type { Mover, Point, Randomness } from "./kernel.ts";
import { logAddExp } from "./vectors.ts";

/** An end of a trajectory: momentum p and velocity p♯ = M⁻¹ p. */
interface End {
  readonly p: Float64Array;
  readonly v: Float64Array;
}

/** A piece of trajectory, with its leaves in the order in which they were reached. */
export interface Piece {
  /** It has 2^depth leaves. */
  depth: number;
  first: End;
  last: End;
  /** ρ: the sum of its momenta. */
  readonly rho: Float64Array;
  /** ln Σ exp(H₀ − H) over its leaves. */
  logWeight: number;
  /** One of its leaves, drawn with these weights. */
  q: Float64Array;
  gradient: Float64Array;
  logDensity: number;
  energy: number;
  /** Whether that leaf is another one than the first of its trajectory. */
  moved: boolean;
}

const newEnd = (n: number): End => ({ p: new Float64Array(n), v: new Float64Array(n) });

/** Memory for a piece of so many coordinates. What will be a fraction begins as one: V8 would compile again when the first one comes. */
export const newPiece = (n: number): Piece => ({
  depth: 0,
  first: newEnd(n),
  last: newEnd(n),
  rho: new Float64Array(n),
  logWeight: Number.NaN,
  q: new Float64Array(n),
  gradient: new Float64Array(n),
  logDensity: Number.NaN,
  energy: Number.NaN,
  moved: false,
});

/** Makes a piece one leaf. */
export function setLeaf(
  piece: Piece,
  { q, gradient, logDensity }: Point | Mover,
  p: Float64Array,
  v: Float64Array,
  logWeight: number,
  energy: number,
): void {
  const { first, last, rho } = piece;
  for (let i = 0; i < p.length; i++) {
    first.p[i] = p[i];
    last.p[i] = p[i];
    rho[i] = p[i];
    first.v[i] = v[i];
    last.v[i] = v[i];
    piece.q[i] = q[i];
    piece.gradient[i] = gradient[i];
  }
  piece.depth = 0;
  piece.logDensity = logDensity;
  piece.logWeight = logWeight;
  piece.energy = energy;
  piece.moved = false;
}

/** Turns a piece round. */
export function reverse(piece: Piece): void {
  const { first } = piece;
  piece.first = piece.last;
  piece.last = first;
}

/** Whether the ends of a trajectory with the momenta ρ = a + b still move apart: ρ · p♯ > 0 at both (Betancourt 2017, appendix A.4.2). */
function goesOn(a: Float64Array, b: Float64Array, from: Float64Array, to: Float64Array): boolean {
  let first = 0;
  let last = 0;
  for (let i = 0; i < a.length; i++) {
    const rho = a[i] + b[i];
    first += rho * from[i];
    last += rho * to[i];
  }
  return first > 0 && last > 0;
}

/** Whether two neighbouring pieces, and the seam between them, make no U-turn (the seam as in Stan since 2.21). */
export const holdsTogether = (a: Piece, b: Piece): boolean =>
  goesOn(a.rho, b.rho, a.first.v, b.last.v) &&
  goesOn(a.rho, b.first.p, a.first.v, b.first.v) &&
  goesOn(b.rho, a.last.p, a.last.v, b.last.v);

/** Joins `b` to `a`, which becomes both; what `b` is afterwards has no meaning. The leaf is that of `b` with probability exp(logChance). */
export function join(a: Piece, b: Piece, logChance: number, random: Randomness): void {
  if (logChance >= 0 || Math.log(random.uniform()) < logChance) {
    const { q, gradient } = a;
    a.q = b.q;
    a.gradient = b.gradient;
    b.q = q;
    b.gradient = gradient;
    a.logDensity = b.logDensity;
    a.energy = b.energy;
    a.moved = true;
  }
  const { last } = a;
  a.last = b.last;
  b.last = last;
  for (let i = 0; i < a.rho.length; i++) a.rho[i] += b.rho[i];
  a.logWeight = logAddExp(a.logWeight, b.logWeight);
  a.depth++;
}
