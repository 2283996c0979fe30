/** The median; the mean of the two in the middle for an even number of values. @throws RangeError when there are none. */
export function middle(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('Cannot take the median of no values');
  const sorted = values.toSorted((one, other) => one - other);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}
