// Random numbers from a seed.

/**
 * Random numbers from a seed: the same seed gives the same numbers on every machine.  The generator
 * is sfc32 (Doty-Humphrey, PractRand), 128 bits of state.
 */
export class Random {
  constructor(seed) {
    this.a = seed | 0;
    this.b = (seed / 2 ** 32) | 0;
    this.c = 0x9e3779b9 | 0;
    this.count = 1;
    this.spare = NaN;
    for (let i = 0; i < 15; i++) this.bits();
  }

  /** 32 random bits, as a signed integer. */
  bits() {
    const sum = (((this.a + this.b) | 0) + this.count) | 0;
    this.count = (this.count + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum;
  }

  /** A number evenly from (0, 1), its ends left out. */
  uniform() {
    return ((this.bits() >>> 0) + 0.5) / 2 ** 32;
  }

  /** A number from N(0, 1), by Box and Muller's transform, which makes two at a time. */
  normal() {
    if (this.spare === this.spare) {
      const kept = this.spare;
      this.spare = NaN;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}
