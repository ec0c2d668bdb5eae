/** The value below which that share of the (unsorted) values lies. NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

export const round = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits
