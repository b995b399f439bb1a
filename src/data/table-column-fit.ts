/** One column of a table: of which kind it is, and with which levels or moments. */
import { DataError } from "../errors.ts";
import { quoted, sortedNames } from "./csv-records.ts";
import type { RowIndices } from "./dataset.ts";
import { asWritten, columnOf, placeOf, type TextTable } from "./table.ts";
import { type EXAMPLES, encodeCell, scaledBy } from "./table-cells.ts";
import { type Choice, chooseKind, marginOf } from "./table-choose.ts";
import { cyclesOf, daysOf, guessDates } from "./table-dates.ts";
import { whyIdentifier } from "./table-identify.ts";
import { lookalikeOf } from "./table-lookalikes.ts";
import { type Decimal, guessDecimal, numberIn } from "./table-numbers.ts";
import type { TableColumn } from "./table-preprocessing.ts";
import { named } from "./table-problems.ts";
import { remarksOnNumbers, remarksOnWords } from "./table-remarks.ts";
import type { ColumnType } from "./table-types.ts";

/** A column, why it has its kind and what looks like a mistake in it; or why it is left out. */
export type FittedColumn =
  | { readonly column: TableColumn; readonly why?: string; readonly remarks?: readonly string[] }
  | { readonly without: string };

/** Decides the kind of one column. */
export class ColumnFit {
  readonly #table: TextTable;
  readonly #name: string;
  readonly #rows: RowIndices | undefined;
  readonly #cells: readonly string[];
  readonly #given: readonly string[];
  /** Whether other columns have decimal commas. */
  readonly #commas: () => boolean;

  constructor(table: TextTable, name: string, rows: RowIndices | undefined, commas: () => boolean) {
    this.#table = table;
    this.#name = name;
    this.#rows = rows;
    this.#commas = commas;
    this.#cells = columnOf(table, name, "");
    this.#given = this.#cells.filter((cell) => cell !== "");
  }

  /** The option that gives the column a type. */
  #typed(type: string): string {
    return `\`types: {${JSON.stringify(this.#name)}: "${type}"}\``;
  }

  /** The number in a cell. Numbers of the file are not text with a decimal comma. */
  #numberIn(cell: string, decimal: Decimal | undefined): number {
    return numberIn(cell, this.#table.numbers?.has(this.#name) ? undefined : decimal);
  }

  get #place(): string {
    return `${this.#table.path}, column "${this.#name}"`;
  }

  /** The column, or why it is left out. @throws DataError */
  fit(declared: ColumnType | undefined, decimal: Decimal | undefined): FittedColumn {
    const categories = sortedNames(this.#given);
    if (categories.length === 0) return { without: "every cell is missing" };
    if (categories.length === 1) return { without: `every value is "${categories[0]}"` };
    if (declared !== undefined) return { column: this.#declared(declared, decimal, categories) };
    const written = decimal ?? this.#decimal();
    const numbers = this.#given.filter((cell) => !Number.isNaN(this.#numberIn(cell, written))).length;
    const values = this.#given.length;
    if (categories.length === 2 && (numbers === values || numbers === 0)) return this.#words(categories);
    const why = whyIdentifier(this.#name, this.#cells, numbers);
    const dates = numbers === 0 || numbers === values ? guessDates(this.#cells) : undefined;
    if (dates === "ambiguous") {
      throw new DataError(
        `${this.#place}: dates such as "${this.#given[0]}" may have the day or the month first. Give the order: ${this.#typed("date:dmy")} or ` +
          `${this.#typed("date:mdy")}.`,
      );
    }
    if (dates !== undefined) {
      return { column: this.#dates(dates), why: this.#whyDate(dates) };
    }
    if (2 * numbers <= values) this.#refuseLookalikes();
    if (why !== undefined) {
      const type = 2 * numbers > values ? "number" : "categorical";
      return { without: `${why} (to use it anyway: ${this.#typed(type)})` };
    }
    if (numbers === values) return this.#numbers(written);
    if (2 * numbers > values) throw new DataError(this.#misspelt(numbers, written));
    return this.#words(categories);
  }

  /** The decimal separator of its numbers. @throws DataError when commas may be either */
  #decimal(): Decimal | undefined {
    if (this.#table.numbers?.has(this.#name)) return undefined;
    const alone = guessDecimal(this.#cells);
    // Points before three digits are read by the other columns too, so a first look without them is enough if there are none.
    const open =
      "ambiguous" in alone || (alone.decimal === undefined && this.#given.some((cell) => cell.includes(".")));
    const guess = open && this.#commas() ? guessDecimal(this.#cells, true) : alone;
    if ("decimal" in guess) return guess.decimal;
    throw new DataError(
      `${this.#place}: the comma of "${guess.ambiguous}" may be a decimal comma or may group thousands. Give the decimal separator: \`decimal: ","\` or \`decimal: "."\`.`,
    );
  }

  /** @throws DataError when most of its words are numbers or dates in a writing that is not read */
  #refuseLookalikes(): void {
    const found = lookalikeOf(this.#given);
    if (found === undefined) return;
    const { example, found: what, advice } = found;
    throw new DataError(
      `${placeOf(this.#table, this.#cells.indexOf(example))}, column "${this.#name}": ${what}. ${advice}, or declare the column categorical or ` +
        `ignored (${named("categorical", this.#name)}, ${named("ignore", this.#name)}).`,
    );
  }

  #misspelt(numbers: number, decimal: Decimal | undefined): string {
    const wrong = [...this.#cells.keys()].filter(
      (row) => this.#cells[row] !== "" && Number.isNaN(this.#numberIn(this.#cells[row], decimal)),
    );
    const [row] = wrong;
    const more = wrong.length > 1 ? ` (${wrong.length} such cells in all)` : "";
    const heading =
      row === 0
        ? ` If this ${this.#table.rowNoun} names the columns or their units, delete what is above it, or the ${this.#table.rowNoun} itself.`
        : "";
    return (
      `${placeOf(this.#table, row)}, column "${this.#name}": expected a number, as in ${numbers} other cells of the ` +
      `column; found "${this.#cells[row]}"${more}. Correct the cell or leave it blank, or declare the column categorical or ignored ` +
      `(${named("categorical", this.#name)}, ${named("ignore", this.#name)}).${heading}`
    );
  }

  #words(categories: readonly string[]): FittedColumn {
    const notAvailable = this.#table.notAvailable?.get(this.#name) ?? 0;
    return {
      column: this.#block(categories),
      remarks: remarksOnWords(this.#given, notAvailable, "category"),
    };
  }

  #block(categories: readonly string[]): TableColumn {
    return { kind: "categorical", name: this.#name, categories: [...categories] };
  }

  #numbers(decimal: Decimal | undefined): FittedColumn {
    const values = this.#given.map((cell) => this.#numberIn(cell, decimal));
    const chosen = chooseKind(this.#name, values);
    // A level that is written in two ways would be two levels.
    const twice = chosen.kind === "ordinal" && new Set(values).size < new Set(this.#given).size;
    const choice: Choice = twice ? { kind: "numeric" } : chosen;
    const column = this.#ofKind(choice, decimal);
    const comma = decimal === "," ? "decimal commas" : undefined;
    const why = [...("why" in choice ? [choice.why] : []), ...(comma === undefined ? [] : [comma])].join(
      "; ",
    );
    return { column, ...(why !== "" && { why }), remarks: remarksOnNumbers(this.#given, values) };
  }

  #ofKind(choice: Choice, decimal: Decimal | undefined): TableColumn {
    const name = this.#name;
    const written = decimal === undefined ? {} : { decimal };
    if (choice.kind === "ordinal") return { kind: "ordinal", name, categories: this.#levels(decimal) };
    if (choice.kind === "count") return this.#checked({ kind: "count", name, ...written });
    const { kind } = choice;
    const ends =
      choice.kind === "bounded"
        ? { low: choice.low, high: choice.high, margin: marginOf(this.#given.length) }
        : { low: 0, high: 1, margin: 0.25 };
    // Values are checked first, because a negative number has no logarithm.
    const draft = { name, mean: 0, sd: 1, ...written };
    this.#checked(kind === "bounded" ? { kind, ...draft, ...ends } : { kind, ...draft });
    const moments = this.#moments((cell) => {
      const value = this.#numberIn(cell, decimal);
      return kind === "bounded" ? scaledBy.bounded(value, ends) : scaledBy[kind](value);
    });
    const found = { name, ...moments, ...written };
    return kind === "bounded" ? { kind, ...found, ...ends } : { kind, ...found };
  }

  /** The different cells, by their numbers: as text, 10,5 would come before 2,5. */
  #levels(decimal: Decimal | undefined): string[] {
    return [...new Set(this.#given)].sort((a, b) => this.#numberIn(a, decimal) - this.#numberIn(b, decimal));
  }

  #dates(order: keyof typeof EXAMPLES): TableColumn {
    const days = (cell: string): number => daysOf(cell, order);
    const { mean, sd } = this.#moments(days);
    return { kind: "date", name: this.#name, order, cycles: cyclesOf(this.#given.map(days)), mean, sd };
  }

  #whyDate(order: keyof typeof EXAMPLES): string {
    const cycles = cyclesOf(this.#given.map((cell) => daysOf(cell, order)));
    return cycles.length === 0 ? "as days" : `as days, and by position in the ${cycles.join(", ")}`;
  }

  /**
   * Mean and standard deviation over the training rows. Over all rows if those of the training rows say too little of the others: where they have few values, or
   * hardly differ. By the spread of two values, one in thirty of the others lies 20 standard deviations away, and by that of a constant, which is
   * the rounding of its mean, 10¹⁶.
   */
  #moments(numberOf: (cell: string) => number): { readonly mean: number; readonly sd: number } {
    const numbersOf = (cells: readonly string[]) => cells.filter((cell) => cell !== "").map(numberOf);
    const all = moments(numbersOf(this.#cells));
    if (this.#rows === undefined) return all;
    const own = numbersOf(Array.from(this.#rows, (row) => this.#cells[row]));
    const found = moments(own);
    return own.length >= ENOUGH && found.sd > LEAST_SPREAD * all.sd ? found : all;
  }

  /** The column, after checking that it can hold all its cells. @throws DataError */
  #checked(column: TableColumn, declared = ""): TableColumn {
    const written = asWritten(this.#table, column);
    const row = this.#cells.findIndex((cell) => cell !== "" && "expected" in encodeCell(written, cell));
    if (row < 0) return column;
    const result = encodeCell(written, this.#cells[row]);
    const expected = "expected" in result ? result.expected : "";
    throw new DataError(
      `${placeOf(this.#table, row)}, column "${this.#name}": expected ${expected}${declared}, found "${this.#cells[row]}". Correct the cell, or leave it ` +
        "blank: it then counts as missing.",
    );
  }

  /** The column with its declared type. @throws DataError when its cells do not have this type */
  #declared(declared: ColumnType, decimal: Decimal | undefined, categories: readonly string[]): TableColumn {
    const { type } = declared;
    const said = ` for the type ${type}`;
    const name = this.#name;
    if (type === "categorical") return this.#block(categories);
    if (type === "ordinal") {
      const { levels } = declared;
      const written = decimal ?? this.#decimal();
      if (levels === undefined && categories.some((cell) => Number.isNaN(this.#numberIn(cell, written)))) {
        throw new DataError(
          `${this.#place}: the order of the words ${quoted(categories)} is not known. Give it: ${this.#typed(`ordinal:${categories.slice(0, 3).join("<")}`)}.`,
        );
      }
      return this.#checked(
        { kind: "ordinal", name, categories: [...(levels ?? this.#levels(written))] },
        said,
      );
    }
    if (type === "date") {
      const order = declared.order ?? guessDates(this.#cells);
      if (order === "ambiguous") {
        throw new DataError(
          `${this.#place}: either the day or the month may come first. Give the order: ${this.#typed("date:dmy")} or ${this.#typed("date:mdy")}.`,
        );
      }
      const column: TableColumn = { kind: "date", name, order: order ?? "ymd", cycles: [], mean: 0, sd: 1 };
      this.#checked(column, said);
      return this.#dates(order ?? "ymd");
    }
    const written = decimal ?? this.#decimal();
    const number: TableColumn = {
      kind: "numeric",
      name,
      mean: 0,
      sd: 1,
      ...(written && { decimal: written }),
    };
    this.#checked(number, said);
    if (type === "number") return this.#ofKind({ kind: "numeric" }, written);
    if (type === "bounded")
      return this.#ofKind({ kind: "bounded", low: declared.low, high: declared.high, why: "" }, written);
    return this.#ofKind({ kind: type, why: "" }, written);
  }
}

/** With fewer training values than this, their standard deviation is mostly chance. */
const ENOUGH = 10;
/** The training rows' part of the standard deviation of all rows, below which they hardly differ. */
const LEAST_SPREAD = 1e-3;

/** Mean and standard deviation (divisor n). */
const moments = (values: readonly number[]): { readonly mean: number; readonly sd: number } => {
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return { mean, sd: Math.sqrt(squares / values.length) };
};
