// How far points are from a cloud: sliced Wasserstein distance, over that of two fresh samples.

import { Random } from "./random.js";

const LINES = 40; // directions that one figure is a mean over

/** Looks along one direction a frame, which takes less than a millisecond. */
export class Distance {
  constructor(cloud, n) {
    this.fresh = [101, 102].map((seed) => cloud.sample(n, new Random(seed)));
    this.random = new Random(3);
    this.sums = [0, 0];
    this.looks = 0;
    this.ratio = NaN;
  }

  look(x) {
    const angle = Math.PI * this.random.uniform();
    const [here, one, other] = [x, ...this.fresh].map((each) => shadow(each, angle));
    this.sums[0] += (squares(here, one) + squares(here, other)) / 2;
    this.sums[1] += squares(one, other);
    if (++this.looks < LINES) return;
    this.ratio = Math.sqrt(this.sums[0] / this.sums[1]);
    [this.sums, this.looks] = [[0, 0], 0];
  }

  said() {
    if (!Number.isFinite(this.ratio)) return "";
    return ` · distance to the cloud ${this.ratio.toFixed(1)} (of two fresh samples: 1)`;
  }
}

/** Where points (2n) lie along a direction, in order. */
function shadow(x, angle) {
  const cos = Math.cos(angle), sin = Math.sin(angle), out = new Float64Array(x.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = cos * x[2 * i] + sin * x[2 * i + 1];
  return out.sort();
}

function squares(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}
