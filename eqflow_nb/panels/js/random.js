// Random numbers from a seed.

/**
 * The same seed gives the same numbers on every machine, by the generator mulberry32 (Ettinger): a
 * counter whose bits are mixed, which repeats after 2^32 numbers.
 */
export class Random {
  constructor(seed) {
    this.state = Math.imul(seed, 0x9e3779b1); // seeds that are near begin far from each other
  }

  /** A number evenly from (0, 1), its ends left out. */
  uniform() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (((bits ^ (bits >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  }

  /** A number from N(0, 1), by Box and Muller's transform. */
  normal() {
    return Math.sqrt(-2 * Math.log(this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}
