// Words to standard normals through the inverse distribution function. One word makes one normal, so an
// element depends only on its own index. The word is read as a signed integer s; x = (s + ½) / 2^(bits-1)
// lies strictly inside (-1, 1), and z = √2 erfinv(x). The distance of x from ±1 is computed from the integer,
// before any rounding, so the tails keep their full resolution.

// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
function madd(a: v128, b: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(a, b), f32x4.splat(c));
}

/**
 * ln y for positive normal y: y = 2^e (1 + f) with 1 + f in [√½, √2), then f - f²/2 + f³P(f). P is a minimax fit
 * of degree 7 (our own; error of the logarithm below 2·10⁻⁸ before rounding). ln 2 is split into two parts; the
 * first has few bits, so that e times it is exact.
 */
// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
export function log32(y: v128): v128 {
  const shifted = i32x4.sub(y, i32x4.splat(0x3f3504f3));
  const e = f32x4.convert_i32x4_s(i32x4.shr_s(shifted, 23));
  const mantissa = i32x4.add(v128.and(shifted, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3));
  const f = f32x4.sub(mantissa, f32x4.splat(1));
  let p = madd(f32x4.splat(-0.0797420889), f, 0.126556948);
  p = madd(p, f, -0.129892781);
  p = madd(p, f, 0.142099455);
  p = madd(p, f, -0.166415811);
  p = madd(p, f, 0.200012013);
  p = madd(p, f, -0.25000304);
  p = madd(p, f, 0.333333313);
  const f2 = f32x4.mul(f, f);
  const cubic = f32x4.mul(f32x4.mul(f2, f), p);
  const low = f32x4.mul(e, f32x4.splat(-2.12194440e-4));
  const log1p = f32x4.add(f32x4.sub(f, f32x4.mul(f32x4.splat(0.5), f2)), cubic);
  return f32x4.add(f32x4.mul(e, f32x4.splat(0.693359375)), f32x4.add(log1p, low));
}

/**
 * Four words to four float32 normals. With w = -ln(1 - x²), z/x is smooth in w near 0 and in √w for large w (Giles,
 * "Approximating the erfinv function", 2010); the two polynomials are our own minimax fits, with relative error
 * 5.4·10⁻⁹ for w < 6.25 and 3.5·10⁻⁸ beyond. After rounding, the relative error is at most 3 units of 2⁻²³.
 * The largest |z| is 6.34.
 */
// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
export function normal32(words: v128): v128 {
  const half = f32x4.splat(0.5);
  const unit = f32x4.splat(4.656612873077393e-10);
  const sign = i32x4.shr_s(words, 31);
  const magnitude = v128.xor(words, sign);
  const distance = i32x4.sub(i32x4.splat(0x7fffffff), magnitude);
  const x = f32x4.mul(f32x4.add(f32x4.convert_i32x4_s(magnitude), half), unit);
  const t = f32x4.mul(f32x4.add(f32x4.convert_i32x4_s(distance), half), unit);
  const w = f32x4.neg(log32(f32x4.mul(t, f32x4.sub(f32x4.splat(2), t))));

  const a = f32x4.sub(w, f32x4.splat(3.125));
  let ratio = madd(f32x4.splat(9.0194463e-10), a, -6.56001298e-9);
  ratio = madd(ratio, a, -3.42366491e-8);
  ratio = madd(ratio, a, 6.02893181e-7);
  ratio = madd(ratio, a, -1.96851602e-6);
  ratio = madd(ratio, a, -1.96454839e-5);
  ratio = madd(ratio, a, 2.64174596e-4);
  ratio = madd(ratio, a, -1.04749063e-3);
  ratio = madd(ratio, a, -8.53298325e-3);
  ratio = madd(ratio, a, 0.339634955);
  ratio = madd(ratio, a, 2.33862066);

  const tail = f32x4.ge(w, f32x4.splat(6.25));
  if (v128.any_true(tail)) {
    const b = f32x4.sub(f32x4.sqrt(w), f32x4.splat(3.5));
    let far = madd(f32x4.splat(4.89358754e-5), b, -2.88720883e-4);
    far = madd(far, b, 6.71723858e-4);
    far = madd(far, b, -9.97170224e-4);
    far = madd(far, b, 1.51962775e-3);
    far = madd(far, b, -2.90564983e-3);
    far = madd(far, b, 4.63852333e-3);
    far = madd(far, b, 1.42463362);
    far = madd(far, b, 4.71708918);
    ratio = v128.bitselect(far, ratio, tail);
  }
  const z = f32x4.mul(ratio, x);
  return v128.or(z, v128.and(sign, i32x4.splat(0x80000000)));
}

/**
 * A 64-bit word to a float64 normal by Wichura's PPND16 (algorithm AS 241, Applied Statistics 37, 1988), relative
 * accuracy about 10⁻¹⁶. The largest |z| is 9.16. The logarithm is AssemblyScript's own, so every engine
 * draws the same bits.
 */
export function normal64(word: u64): f64 {
  const sign = <i64>word >> 63;
  const magnitude = <i64>word ^ sign;
  const x = (<f64>magnitude + 0.5) * 1.0842021724855044e-19;
  let z: f64;
  if (x <= 0.85) {
    const q = 0.5 * x;
    const r = 0.180625 - q * q;
    z =
      (q *
        (((((((2509.0809287301227 * r + 33430.57558358813) * r + 67265.7709270087) * r +
          45921.95393154987) * r + 13731.69376550946) * r + 1971.5909503065513) * r +
          133.14166789178438) * r + 3.3871328727963665)) /
      (((((((5226.495278852546 * r + 28729.085735721943) * r + 39307.89580009271) * r +
        21213.794301586597) * r + 5394.196021424751) * r + 687.1870074920579) * r +
        42.31333070160091) * r + 1);
  } else {
    const distance = <f64>(i64.MAX_VALUE - magnitude) + 0.5;
    let r = Math.sqrt(-Math.log(distance * 5.421010862427522e-20));
    if (r <= 5) {
      r -= 1.6;
      z =
        (((((((0.0007745450142783414 * r + 0.022723844989269184) * r + 0.2417807251774506) * r +
          1.2704582524523684) * r + 3.6478483247632045) * r + 5.769497221460691) * r +
          4.630337846156546) * r + 1.4234371107496835) /
        (((((((1.0507500716444169e-09 * r + 0.0005475938084995345) * r + 0.015198666563616457) * r +
          0.14810397642748008) * r + 0.6897673349851) * r + 1.6763848301838038) * r +
          2.053191626637759) * r + 1);
    } else {
      r -= 5;
      z =
        (((((((2.0103343992922881e-07 * r + 2.7115555687434876e-05) * r + 0.0012426609473880784) * r +
          0.026532189526576124) * r + 0.29656057182850487) * r + 1.7848265399172913) * r +
          5.463784911164114) * r + 6.657904643501103) /
        (((((((2.0442631033899397e-15 * r + 1.421511758316446e-07) * r + 1.8463183175100548e-05) * r +
          0.0007868691311456133) * r + 0.014875361290850615) * r + 0.1369298809227358) * r +
          0.599832206555888) * r + 1);
    }
  }
  return sign ? -z : z;
}
