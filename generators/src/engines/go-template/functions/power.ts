/** Ten to a whole power, rounded as Go's `math.Pow` rounds it: by squaring, on the fraction of the float. */
export function powerOfTen(power: number): number {
  let remaining = Math.abs(power)
  let fraction = 0.625
  let exponent = 4
  let result = 1
  let resultExponent = 0
  while (remaining !== 0) {
    if (Math.abs(exponent) > 4096) {
      resultExponent += exponent
      break
    }
    if (remaining % 2 === 1) {
      result *= fraction
      resultExponent += exponent
    }
    fraction *= fraction
    exponent *= 2
    if (fraction < 0.5) {
      fraction += fraction
      exponent--
    }
    remaining = Math.floor(remaining / 2)
  }
  return power < 0 ? scale(1 / result, -resultExponent) : scale(result, resultExponent)
}

/** In two steps, so that a result at the edge of what a float holds is rounded once. */
function scale(fraction: number, exponent: number): number {
  const half = Math.trunc(exponent / 2)
  return fraction * 2 ** half * 2 ** (exponent - half)
}
