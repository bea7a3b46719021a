/** The middle of the samples. Throws for none. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** Linear between neighbours; `share` from 0 to 1. Throws for no samples. */
export function quantile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new Error('no samples were taken');
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)]!;
  const above = sorted[Math.ceil(at)]!;
  return below + (above - below) * (at - Math.floor(at));
}

/** A straight line through points, by least squares: its slope, and half the width of the slope's 95 % interval. */
export function slope(points: readonly (readonly [x: number, y: number])[]): { slope: number; uncertainty: number } {
  const n = points.length;
  if (n < 3) throw new Error(`a slope takes 3 points, not ${n}`);
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const sxx = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const found = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / sxx;
  const residual = points.reduce((sum, [x, y]) => sum + (y - meanY - found * (x - meanX)) ** 2, 0);
  return { slope: found, uncertainty: 1.96 * Math.sqrt(residual / (n - 2) / sxx) };
}
