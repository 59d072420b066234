/** How the color of a layer and what lies below it mix, by blend mode: as studio/layers/blend.py does.
 *
 * Each takes the backdrop and the source, red, green and blue in [0, 1] each, and writes the mixed color to `out`.
 */

function screen(backdrop, source) {
  return backdrop + source - backdrop * source;
}

function overlay(backdrop, source) {
  const double = 2 * backdrop;
  return backdrop <= 0.5 ? source * double : screen(source, double - 1);
}

function softLight(backdrop, source) {
  if (source <= 0.5) return backdrop - (1 - 2 * source) * backdrop * (1 - backdrop);
  const lit = backdrop <= 0.25 ? ((16 * backdrop - 12) * backdrop + 4) * backdrop : Math.sqrt(Math.max(0, backdrop));
  return backdrop + (2 * source - 1) * (lit - backdrop);
}

function luminosityOf(red, green, blue) {
  return 0.3 * red + 0.59 * green + 0.11 * blue;
}

/** The color moved to a luminosity, and toward its gray as far as needed to fit. */
function setLuminosity(red, green, blue, luminosity, out) {
  const step = luminosity - luminosityOf(red, green, blue);
  const moved = [red + step, green + step, blue + step];
  const low = Math.min(...moved);
  const high = Math.max(...moved);
  let fit = 1;
  if (low < 0) fit = luminosity / (luminosity - low);
  if (high > 1) fit = Math.min(fit, (1 - luminosity) / (high - luminosity));
  for (let channel = 0; channel < 3; channel++) out[channel] = luminosity + (moved[channel] - luminosity) * fit;
}

function separable(mix) {
  return (r, g, b, red, green, blue, out) => {
    out[0] = mix(r, red);
    out[1] = mix(g, green);
    out[2] = mix(b, blue);
  };
}

export const MIXES = {
  multiply: separable((backdrop, source) => backdrop * source),
  screen: separable(screen),
  overlay: separable(overlay),
  soft_light: separable(softLight),
  luminosity: (r, g, b, red, green, blue, out) => setLuminosity(r, g, b, luminosityOf(red, green, blue), out),
  color: (r, g, b, red, green, blue, out) => setLuminosity(red, green, blue, luminosityOf(r, g, b), out),
};

/** Names of the blend modes for people; groups may pass through, too. */
export const BLENDS = {
  normal: "Normal",
  multiply: "Multiply",
  screen: "Screen",
  overlay: "Overlay",
  soft_light: "Soft light",
  luminosity: "Luminosity",
  color: "Color",
};
