/** Generated JavaScript: loops over the elements of values that lie in arrays, in order or not. */
import { type HostFold, type HostLayout, type Shape, sizeOf } from "../tensor/index.ts";
import type { GeneratedCode } from "./generated-code.ts";

/** Where a stored value is: an array, and in the body of a loop the index of its first element in this step; or a variable, for a single number. */
export type Place =
  | { readonly array: string; readonly from?: string; readonly variable?: never }
  | { readonly variable: string };

/** A value's elements: its array, and where they lie in it along the dimensions of a loop. */
export interface Located extends HostLayout {
  readonly place: Place;
}

export function at(place: Place, index: string): string {
  if (place.variable !== undefined) return place.variable;
  const { array, from } = place;
  return from === undefined
    ? `${array}[${index}]`
    : `${array}[${index === "0" ? from : `${from} + ${index}`}]`;
}

export function literal(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "(-Infinity)";
  return value < 0 || Object.is(value, -0) ? `(-${-value})` : String(value);
}

/** The expression of one element. */
export type Expression<T> = (
  /** The name of a stored operand's element. */
  read: (operand: T) => string,
  /** Stores an expression in a variable, because what follows may read it more than once; its name. */
  declare: (code: string) => string,
) => string;

/** What is computed for each element of a shape. */
export interface ElementLoop<T> {
  readonly shape: Shape;
  readonly express: Expression<T>;
  /** Where an operand lies along the dimensions of `shape`. */
  locate(operand: T): Located;
  /** Roughly the number of operators in the expression. */
  readonly weight: number;
}

/** A dimension of a loop: its size, and the stride of each operand along it. */
interface Dimension {
  readonly size: number;
  readonly strides: readonly number[];
}

/** Merges neighbouring dimensions that every operand traverses as one. */
function collapse(shape: Shape, all: readonly (readonly number[])[]): Dimension[] {
  const dims: Dimension[] = [];
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    const strides = all.map((s) => s[d]);
    const last = dims.at(-1);
    if (last?.strides.every((s, i) => s === strides[i] * shape[d])) {
      dims[dims.length - 1] = { size: last.size * shape[d], strides };
    } else {
      dims.push({ size: shape[d], strides });
    }
  }
  return dims;
}

/** Loops of at most this many elements, and of this many operators in all, are written out. */
const WRITTEN_OUT = { elements: 4, operators: 64 };

/** Indices into `shape`, in order. */
function* indicesOf(shape: Shape): Generator<readonly number[]> {
  const index = shape.map(() => 0);
  for (let left = sizeOf(shape); left > 0; left--) {
    yield index;
    for (let d = shape.length - 1; d >= 0 && ++index[d] === shape[d]; d--) index[d] = 0;
  }
}

const offsetOf = ({ start, strides }: HostLayout, index: readonly number[]): number =>
  index.reduce((sum, i, d) => sum + i * strides[d], start);

/** Writes loops as statements. Elements at known indices are read once in a function and then kept in a variable. */
export class LoopWriter {
  readonly #code: GeneratedCode;
  #function = -1;
  /** Variables of the function that is being written, by the element that they hold. */
  readonly #held = new Map<string, string>();
  #variables = 0;

  constructor(code: GeneratedCode) {
    this.#code = code;
  }

  /** One element of the result for each of the operands'. */
  map<T>(loop: ElementLoop<T>, targets: readonly Located[]): void {
    const lines = this.#begin();
    if (isWrittenOut(loop)) {
      for (const index of indicesOf(loop.shape)) {
        const value = this.#declare(lines, this.#element(loop, index, lines));
        for (const target of targets) this.#store(target, index, value, lines);
      }
    } else {
      const { dims, read, declared, result } = this.#body(loop, targets, lines);
      const written = targets.map((t, i) => at(t.place, indexOf(t.start, dims, i)));
      lines.push(
        ...headsOf(dims, 0),
        ...read,
        ...declared,
        `${written.join(" = ")} = ${result};`,
        "}".repeat(dims.length),
      );
    }
    this.#code.add(...lines);
  }

  /**
   * Elements combined.
   *
   * @param target where the results lie along the dimensions of the loop: at distance 0 where elements are combined
   * @param size the number of results
   */
  fold<T>(loop: ElementLoop<T>, target: Located, size: number, { initial, combine, finish }: HostFold): void {
    const lines = this.#begin();
    const total = finish ?? ((code: string) => code);
    if (isWrittenOut(loop) && sizeOf(loop.shape) > 0) {
      const sofar = new Map<number, { readonly index: readonly number[]; readonly value: string }>();
      for (const index of indicesOf(loop.shape)) {
        const place = offsetOf(target, index);
        const before = sofar.get(place)?.value ?? literal(initial);
        const element = this.#declare(lines, this.#element(loop, index, lines));
        sofar.set(place, { index: [...index], value: this.#declare(lines, combine(before, element)) });
      }
      for (const { index, value } of sofar.values())
        this.#store(target, index, this.#declare(lines, total(value)), lines);
    } else {
      this.#foldLoop(loop, target, size, { initial, combine, finish: total }, lines);
    }
    this.#code.add(...lines);
  }

  #foldLoop<T>(
    loop: ElementLoop<T>,
    target: Located,
    size: number,
    { initial, combine, finish }: Required<Omit<HostFold, "axes">>,
    lines: string[],
  ): void {
    const { dims, read, declared, result } = this.#body(loop, [target], lines);
    const kept = dims.findLastIndex(({ strides }) => strides[0] !== 0) + 1;
    const step = (sofar: string): string => `const x = ${result}; ${sofar} = ${combine(sofar, "x")};`;
    if (dims.slice(0, kept).every(({ strides }) => strides[0] !== 0)) {
      const written = at(target.place, indexOf(target.start, dims.slice(0, kept), 0));
      lines.push(
        "{",
        ...headsOf(dims.slice(0, kept), 0),
        `let s = ${literal(initial)};`,
        ...headsOf(dims.slice(kept), kept),
        ...read,
        ...declared,
        step("s"),
        "}".repeat(dims.length - kept),
        `${written} = ${finish("s")};`,
        "}".repeat(kept + 1),
      );
      return;
    }
    // Results come back to the same element: they are combined where they lie.
    const written = at(target.place, indexOf(target.start, dims, 0));
    const each = (code: string): string =>
      `for (let i = 0; i < ${size}; i++) ${at(target.place, "i")} = ${code};`;
    lines.push(
      each(literal(initial)),
      ...headsOf(dims, 0),
      ...read,
      ...declared,
      step(written),
      "}".repeat(dims.length),
      each(finish(at(target.place, "i"))),
    );
  }

  /** The only element of a value, for code that is added next: the variable that holds it, if there is one. */
  only(place: Place): string {
    this.#begin();
    const element = at(place, "0");
    return this.#held.get(element) ?? element;
  }

  /** The lines of what follows, which stay in one function. */
  #begin(): string[] {
    const now = this.#code.begin();
    if (now !== this.#function) this.#held.clear();
    this.#function = now;
    return [];
  }

  #declare(lines: string[], code: string): string {
    if (/^r\d+$/.test(code)) return code;
    const name = `r${this.#variables++}`;
    lines.push(`const ${name} = ${code};`);
    return name;
  }

  /** A variable that holds an element. */
  #hold(element: string, lines: string[]): string {
    const known = this.#held.get(element);
    if (known !== undefined) return known;
    const name = this.#declare(lines, element);
    this.#held.set(element, name);
    return name;
  }

  #store(target: Located, index: readonly number[], value: string, lines: string[]): void {
    const element = at(target.place, String(offsetOf(target, index)));
    lines.push(`${element} = ${value};`);
    this.#held.set(element, value);
  }

  /** The expression of one element of a loop that is written out. */
  #element<T>({ express, locate }: ElementLoop<T>, index: readonly number[], lines: string[]): string {
    return express(
      (operand) => {
        const located = locate(operand);
        return this.#hold(at(located.place, String(offsetOf(located, index))), lines);
      },
      (code) => this.#declare(lines, code),
    );
  }

  /** What is in the innermost of the loops; elements that are the same throughout are read before. */
  #body<T>({ shape, express, locate }: ElementLoop<T>, targets: readonly Located[], lines: string[]) {
    const operands = new Map<T, string>();
    const declared: string[] = [];
    const result = express(
      (operand) => {
        const known = operands.get(operand) ?? `e${operands.size}`;
        operands.set(operand, known);
        return known;
      },
      (code) => {
        declared.push(`const t${declared.length} = ${code};`);
        return `t${declared.length - 1}`;
      },
    );
    const located = [...operands].map(([operand, name]) => ({ name, ...locate(operand) }));
    const dims = collapse(
      shape,
      [...targets, ...located].map(({ strides }) => strides),
    );
    const read = located.map(({ name, place, start }, i) => {
      const position = targets.length + i;
      const isSame = dims.every(({ strides }) => strides[position] === 0);
      const element = at(place, indexOf(start, dims, position));
      return `const ${name} = ${isSame ? this.#hold(element, lines) : element};`;
    });
    return { dims, read, declared, result };
  }
}

const isWrittenOut = <T>({ shape, weight }: ElementLoop<T>): boolean =>
  sizeOf(shape) <= WRITTEN_OUT.elements && weight * sizeOf(shape) <= WRITTEN_OUT.operators;

/** The beginnings of loops, whose indices are called `i` and a number from `first` on. */
const headsOf = (dims: readonly Dimension[], first: number): string[] =>
  dims.map(({ size }, n) => `for (let i${first + n} = 0; i${first + n} < ${size}; i${first + n}++) {`);

/** The index of an operand's element in loops. */
function indexOf(start: number, dims: readonly Dimension[], position: number): string {
  const terms = dims.flatMap(({ strides }, n) => {
    const stride = strides[position];
    if (stride === 0) return [];
    return [stride === 1 ? `i${n}` : `i${n} * ${stride}`];
  });
  if (start !== 0 || terms.length === 0) terms.push(String(start));
  return terms.join(" + ");
}
