/** Small matrices of XTrace, as rows; n numbers a vector. Column j of R is QᵀAωⱼ: A Ω = Q R. */
export interface XTraceMatrices {
  readonly n: number;
  /** r[i][j], upper triangular. */
  readonly r: readonly Float64Array[];
  /** w[i][j] = qᵢᵀωⱼ */
  readonly w: readonly Float64Array[];
  /** ‖ωⱼ‖² */
  readonly norms2: readonly number[];
  /** Part by part of the coordinates (parameter tensors), which add up to the whole. */
  readonly parts: readonly XTracePart[];
}

/** E picks the coordinates of a part. */
export interface XTracePart {
  /** h[i][j] = qᵢᵀ E A qⱼ */
  readonly h: readonly Float64Array[];
  /** c[i][j] = ωᵢᵀ E A qⱼ */
  readonly c: readonly Float64Array[];
  /** g[i][j] = qᵢᵀ E qⱼ */
  readonly g: readonly Float64Array[];
  /** e[i] = ωᵢᵀ E A ωᵢ */
  readonly e: readonly number[];
}

/**
 * XTrace's leave-one-out estimates (Epperly, Tropp & Webber 2024, arXiv 2301.07825): estimates[i][p] of part p's trace from
 * all probes, where probe i serves as the only one of Hutchinson's estimator on the complement, and the others span the
 * deflation: tr Qᵢᵀ E A Qᵢ + μᵀ E A μ, μ = (I − Qᵢ Qᵢᵀ) ωᵢ, Qᵢ an orthonormal basis of the other columns of A Ω.
 *
 * Qᵢ Qᵢᵀ = Q(I − s sᵀ)Qᵀ with s = R⁻ᵀeᵢ normalised, which is orthogonal to every column of R but the i-th; hence
 * μ = ωᵢ − Q a with a = (I − s sᵀ)Qᵀωᵢ, and Aμ = Aωᵢ − A Q a needs no product. For Gaussian probes μ is brought to the
 * length √(n − k + 1) that a vector of the complement has on average, which takes the scatter of lengths out.
 */
export function leaveOneOut({ n, r, w, norms2, parts }: XTraceMatrices): Float64Array[] {
  const k = r.length;
  return r.map((_, i) => {
    const s = leftOutDirection(r, i);
    const along = w.reduce((sum, row, l) => sum + s[l]! * row[i]!, 0);
    const a = Float64Array.from(w, (row, l) => row[i]! - s[l]! * along);
    const ri = Float64Array.from(r, (row) => row[i]!);
    const factor = (n - k + 1) / (norms2[i]! - dot(a, a));
    return Float64Array.from(parts, ({ h, c, g, e }) => {
      const inside = h.reduce((sum, row, l) => sum + row[l]! - s[l]! * dot(row, s), 0);
      // (ωᵢ − Qa)ᵀE(Aωᵢ − AQa) with Aωᵢ = Q R eᵢ
      const outside = e[i]! - dot(c[i]!, a) - bilinear(a, g, ri) + bilinear(a, h, a);
      return inside + factor * outside;
    });
  });
}

/** R⁻ᵀeᵢ, normalised. */
function leftOutDirection(r: readonly Float64Array[], i: number): Float64Array {
  const k = r.length;
  const s = new Float64Array(k);
  s[i] = 1;
  for (let j = i + 1; j < k; j++) {
    let sum = 0;
    for (let l = i; l < j; l++) sum += r[l]![j]! * s[l]!;
    s[j] = -sum / r[j]![j]!;
  }
  const norm = Math.hypot(...s);
  return s.map((x) => x / norm);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function bilinear(a: Float64Array, m: readonly Float64Array[], b: Float64Array): number {
  return m.reduce((sum, row, i) => sum + a[i]! * dot(row, b), 0);
}
