/* The bar's words. English is the source and the key; fr.json is made from the PO catalogue. */

const catalogues = { en: {} };

/** Languages of the bar, in the order of its list, each named in itself. */
export const LANGUAGES = { en: "English", fr: "Français" };

export async function loadWords() {
  const answer = await fetch(new URL("fr.json" + new URL(import.meta.url).search, import.meta.url));
  catalogues.fr = await answer.json();
}

/** Put a text into a language, with values in its {places}. */
export function say(language, text, values = {}) {
  const template = catalogues[language]?.[text] ?? text;
  return template.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place));
}

/** A number as the language writes it. */
export function number(language, value) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 2 }).format(value);
}

/** A moment as people say it: «mardi 18:42:07». */
export function moment(language, iso) {
  const format = { weekday: "long", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, format).format(new Date(iso));
}

/** The time of a moment, without seconds: «14:32». */
export function clock(language, iso) {
  const format = { hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, format).format(new Date(iso));
}

/** A size as people say it: «1.1 GB», «1,1 Go». */
export function size(language, megabytes) {
  const units = language === "fr" ? ["Mo", "Go"] : ["MB", "GB"];
  const [value, unit] = megabytes < 1000 ? [megabytes, units[0]] : [megabytes / 1000, units[1]];
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(value)}\u00a0${unit}`;
}
