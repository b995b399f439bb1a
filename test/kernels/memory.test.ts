import { describe, expect, test } from "vitest";
import { InternalError, UsageError } from "../../src/errors.ts";
import { kernelsOf, MemoryPlan } from "../../src/kernels/index.ts";

describe("MemoryPlan", () => {
  test("slots are 64-byte aligned, disjoint, zero, and of their dtype", () => {
    const plan = new MemoryPlan();
    const slots = [
      plan.reserve("a", 3, "float32"),
      plan.reserve("b", 5, "float64"),
      plan.reserve("c", 1, "bool"),
      plan.reserve("d", 0, "int32"),
      plan.reserve("e", 9, "int64"),
      plan.reserve("f", 70_000, "uint32"),
    ];
    const memory = plan.allocate();
    for (const [i, slot] of slots.entries()) {
      expect(slot.byteOffset % 64).toBe(0);
      const next = slots[i + 1];
      if (next) expect(next.byteOffset).toBeGreaterThanOrEqual(slot.byteOffset + slot.byteLength);
      const view = memory.view(slot);
      expect(view.length).toBe(slot.elements);
      expect(view.buffer).toBe(memory.buffer);
      expect([...view].every((x) => Number(x) === 0)).toBe(true);
    }
    expect(slots.map((slot) => memory.view(slot).constructor.name)).toEqual([
      "Float32Array",
      "Float64Array",
      "Uint8Array",
      "Int32Array",
      "BigInt64Array",
      "Uint32Array",
    ]);
  });

  test("an array that views planned memory is recognised, another is not", () => {
    const plan = new MemoryPlan();
    const slot = plan.reserve("x", 8, "float32");
    const memory = plan.allocate();
    expect(kernelsOf(memory.view(slot).subarray(2, 5))).toBe(memory.kernels);
    expect(kernelsOf(new Float32Array(8))).toBeUndefined();
  });

  test("mistakes are named", () => {
    const plan = new MemoryPlan();
    plan.reserve("x", 1, "float32");
    expect(() => plan.reserve("x", 1, "float32")).toThrow(
      new UsageError('memory plan: the name "x" is taken; give every slot a name of its own'),
    );
    expect(() => plan.reserve("y", 1.5, "float32")).toThrow(
      new UsageError('memory plan: "y" needs a non-negative whole number of elements, found 1.5'),
    );
    // 2^30 float32 are 4 GiB, and the kernels' own 64 KiB and the slot x (64 bytes) come before.
    expect(() => plan.reserve("y", 2 ** 30, "float32")).toThrow(
      new UsageError(
        'memory plan: "y" (1073741824 × float32) brings the plan to 4295032896 bytes, and one memory holds at ' +
          "most 4294967232 (4 GiB); use a smaller model or batch",
      ),
    );
    // The end of an array at 4 GiB would be address 0, and kernels that go on until there would do nothing.
    const left = 2 ** 32 - 65_536 - 64;
    expect(() => plan.reserve("y", left, "uint8")).toThrow("brings the plan to 4294967296 bytes");
    new MemoryPlan().reserve("y", left, "uint8");
    plan.allocate();
    expect(() => plan.reserve("z", 1, "float32")).toThrow(
      new InternalError('cannot reserve "z": this plan is already allocated, and memory never grows'),
    );
    expect(() => plan.allocate()).toThrow(new InternalError("this memory plan is already allocated"));
  });
});
