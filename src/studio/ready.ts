/** The rows that are ready to be asked for: those that the queue chose, with a check row after every third. */
import { CHECK_EVERY } from "./checks.ts";
import type { Choice, Chooser } from "./chooser.ts";

/** A row that the queue asks for. A `check` row was drawn at random: it measures the error and is not used for training. */
export interface Asked {
  readonly row: number;
  readonly by: "queue" | "check";
}

/** Number of rows that are kept ready. More are chosen when half are used, so that fast labelling does not empty the queue. */
const READY = 20;

/** Rows ready to be asked for. */
export class Ready {
  readonly #checks: readonly number[];
  readonly #isOpen: (row: number) => boolean;
  #rows: Asked[] = [];
  #asked = 0;

  /**
   * @param checks the check rows, in the order in which they are asked for
   * @param isOpen whether a row has no label and was not put aside
   */
  constructor(checks: readonly number[], isOpen: (row: number) => boolean) {
    this.#checks = checks;
    this.#isOpen = isOpen;
  }

  /** The row to ask for now. */
  get first(): Asked | undefined {
    return this.#rows[0];
  }

  /** Whether it is time to choose more. */
  get isLow(): boolean {
    return this.#rows.length < READY / 2;
  }

  /** Asks for a row again. */
  putBack(asked: Asked): void {
    this.#rows.unshift(asked);
  }

  /** Drops the rows that have a label by now. */
  prune(): void {
    this.#rows = this.#rows.filter(({ row }) => this.#isOpen(row));
  }

  /** Fills the queue anew. */
  async refill(chooser: Chooser, choice: Omit<Choice, "count">): Promise<void> {
    const chosen = await chooser.choose({ ...choice, count: READY });
    const ready: Asked[] = [];
    // The row that is being looked at stays. Others may have got a label since the choice began.
    const [first] = this.#rows;
    if (first !== undefined && this.#isOpen(first.row)) ready.push(first);
    const isNew = (row: number): boolean => row !== first?.row && this.#isOpen(row);
    const queue = chosen.filter(isNew);
    const random = this.#checks.filter(isNew);
    while (ready.length < READY && (queue.length > 0 || random.length > 0)) {
      const isCheck = (++this.#asked % CHECK_EVERY === 0 && random.length > 0) || queue.length === 0;
      const row = isCheck ? random.shift() : queue.shift();
      if (row !== undefined) ready.push({ row, by: isCheck ? "check" : "queue" });
    }
    this.#rows = ready;
  }
}
