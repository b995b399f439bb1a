import { UsageError } from "../../errors.ts";
import { constant, flip, formatShape, gather, type Shape, type Tensor, zeros } from "../../tensor/index.ts";
import { realVector } from "../constraints.ts";
import { Transform } from "./transform.ts";

class PermuteTransform extends Transform {
  readonly #order: readonly number[];

  constructor(order: readonly number[]) {
    super({ name: "permute", domain: realVector, codomain: realVector });
    this.#order = order;
  }

  protected override map(x: Tensor): Tensor {
    return reorder(x, this.#order);
  }

  protected override unmap(y: Tensor): Tensor {
    return reorder(
      y,
      this.#order.map((_, i) => this.#order.indexOf(i)),
    );
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return zeros([], x.dtype);
  }

  protected override forwardEvent(event: Shape): Shape | undefined {
    return event[0] === this.#order.length ? event : undefined;
  }

  protected override inverseEvent(event: Shape): Shape | undefined {
    return this.forwardEvent(event);
  }

  protected override describeEvent(): string {
    return `[..., ${this.#order.length}]`;
  }
}

const reorder = (x: Tensor, order: readonly number[]): Tensor =>
  gather(x, constant(order, [order.length], "int64"), x.rank - 1);

/**
 * yᵢ = x[orderᵢ] along the last dimension; ln |J| = 0. Between coupling layers it changes which numbers condition which.
 *
 * @throws UsageError unless `order` contains each of 0, …, n − 1 once.
 */
export function permute(order: readonly number[]): Transform {
  const sorted = [...order].sort((a, b) => a - b);
  if (order.length === 0 || sorted.some((v, i) => v !== i)) {
    throw new UsageError(
      `permute: expected the numbers from 0 to ${Math.max(order.length - 1, 0)}, each once, found ${formatShape(order)}.`,
    );
  }
  return new PermuteTransform([...order]);
}

class ReverseTransform extends Transform {
  constructor() {
    super({ name: "reverse", domain: realVector, codomain: realVector });
  }

  protected override map(x: Tensor): Tensor {
    return flip(x, -1);
  }

  protected override unmap(y: Tensor): Tensor {
    return flip(y, -1);
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return zeros([], x.dtype);
  }
}

/** The last dimension in reverse order; ln |J| = 0. */
export const reverse: Transform = new ReverseTransform();
