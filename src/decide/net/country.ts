const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });

/** The code of a country, two capital letters (ISO 3166-1); undefined for what is none. `uk` is `GB`. */
export function countryCode(text: string): string | undefined {
  if (!/^[A-Za-z]{2}$/u.test(text)) return undefined;
  // a code that was given up is the one that came for it; ZZ is "unknown region"
  const { region } = new Intl.Locale(`und-${text}`);
  return region === undefined || region === 'ZZ' || names.of(region) === undefined ? undefined : region;
}

/** What follows `country:`; undefined where that is not there. */
export function countryWord(text: string): string | undefined {
  return /^country:(.*)$/iu.exec(text.trim())?.[1]?.trim();
}

/** The country that somebody means who writes `country:DE` or `DE` where a source should be. */
export function countryMeant(text: string): string | undefined {
  const word = countryWord(text);
  return word === undefined && text !== text.toUpperCase() ? undefined : countryCode(word ?? text);
}
