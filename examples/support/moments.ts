/** A sample's mean and standard deviation (divisor n), and the standard error of the mean. */
export function momentsOf(values: Float64Array | readonly number[]) {
  const numbers = Float64Array.from(values);
  const average = (v: Float64Array): number => v.reduce((a, b) => a + b, 0) / v.length;
  const mean = average(numbers);
  const sd = Math.sqrt(average(numbers.map((v) => (v - mean) ** 2)));
  return { mean, sd, standardError: sd / Math.sqrt(numbers.length) };
}
