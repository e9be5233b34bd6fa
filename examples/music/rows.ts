/**
 * The rows of the music database before anything happens to it, made from a seed. They hold what trips up copies:
 * massive ties at the newest timestamp, hyphens, quotes, newlines, other scripts, NULL beside the empty text.
 */
import { createRandom, type Random } from './random.ts'

export const TABLES = ['DimUser', 'DimArtist', 'DimTrack', 'DimDate', 'FactStream'] as const
export type MusicTable = (typeof TABLES)[number]
export type Row = Readonly<Record<string, string | number | null>>

export const USERS = 500
export const ARTISTS = 500
export const TRACKS = 500
export const DAYS = 365
export const STREAMS = 10_000

/** The application's nightly job stamps whole batches: 31 distinct values of `updated_at`. */
const FIRST_STAMP = '2025-09-01'
const STAMPS = 31
const FIRST_DATE = '2024-10-02'

const GIVEN = ['Ada', 'Björn', 'Chloé', 'Dieter', 'Esra', 'Frøydis', 'Goran', 'Hana', 'Íris', 'Jun', 'Kofi', 'Łucja']
const FAMILY = [
  'O’Neill',
  "D'Arco",
  'van der Berg',
  'Øye',
  'Ibáñez',
  '李',
  'Smith-Jones',
  'Nakamura',
  'Šimić',
  'Okafor',
]
const COUNTRIES = ['Norway', 'Brazil', 'Japan', 'Nigeria', 'Canada', 'Türkiye', 'Côte d’Ivoire', 'Ireland']
const PLANS = ['Free', 'Family', 'Premium']
const GENRES = ['Jazz', 'Rock', 'Folk', 'Electronic', 'Classical', 'Hip-Hop']
const COLOURS = ['Amber', 'Blue', 'Copper', 'Dusk', 'Ember', 'Frost', 'Golden', 'Hollow', 'Indigo', 'Jade']
const THINGS = ['Harbour', 'Lantern', 'River', 'Signal', 'Orchard', 'Window', 'Tide', 'Engine', 'Garden', 'Mirror']
const DEVICES = ['Desktop', 'Mobile', 'Smart Speaker']
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** Track names that break careless CSV; they take the places of the first tracks. */
const AWKWARD_NAMES = [
  'Say "Yes"',
  'First line\nsecond line',
  'C:\\N\\A',
  '\\N',
  'One, Two',
  "Don't",
  '',
  '夜-の-川',
  '\\.',
]

/** All tables for a seed; the same seed gives the same rows. */
export function makeRows(seed: number): Readonly<Record<MusicTable, readonly Row[]>> {
  const random = createRandom(seed)
  return {
    DimUser: ids(USERS).map(id => makeUser(id, random)),
    DimArtist: ids(ARTISTS).map(id => ({
      artist_id: id,
      artist_name: `The ${random.pick(COLOURS)} ${random.pick(THINGS)}s`,
      genre: random.pick(GENRES),
      country: random.pick(COUNTRIES),
      updated_at: stamp(random),
    })),
    DimTrack: ids(TRACKS).map(id => makeTrack(id, random)),
    DimDate: ids(DAYS).map(day => makeDate(day - 1)),
    FactStream: ids(STREAMS).map(id => makeStream(id, random)),
  }
}

/** The calendar day `days` after `first`, as `YYYY-MM-DD`. */
export function addDays(first: string, days: number): string {
  return new Date(Date.parse(`${first}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

function ids(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}

function stamp(random: Random): string {
  return `${addDays(FIRST_STAMP, random.integer(0, STAMPS - 1))} 02:15:00`
}

function makeUser(id: number, random: Random): Row {
  return {
    user_id: id,
    user_name: `${random.pick(GIVEN)} ${random.pick(FAMILY)}`,
    country: random.pick(COUNTRIES),
    subscription_type: random.pick(PLANS),
    start_date: addDays('2023-01-01', random.integer(0, 900)),
    end_date: null,
    updated_at: stamp(random),
  }
}

function makeTrack(id: number, random: Random): Row {
  const joint = random.chance(0.6) ? '-' : ' '
  return {
    track_id: id,
    track_name: AWKWARD_NAMES[id - 1] ?? `${random.pick(COLOURS)}${joint}${random.pick(THINGS)}`,
    artist_id: random.integer(1, ARTISTS),
    album_name: random.chance(0.05) ? null : `${random.pick(THINGS)} Sessions`,
    duration_sec: random.integer(90, 360),
    release_date: addDays('2010-01-01', random.integer(0, 5600)),
    updated_at: stamp(random),
  }
}

function makeDate(day: number): Row {
  const date = addDays(FIRST_DATE, day)
  const [year = 0, month = 0, dayOfMonth = 0] = date.split('-').map(Number)
  return {
    date_key: year * 10_000 + month * 100 + dayOfMonth,
    date,
    day: dayOfMonth,
    month,
    year,
    weekday: WEEKDAYS[new Date(`${date}T00:00:00Z`).getUTCDay()] ?? null,
  }
}

function makeStream(id: number, random: Random): Row {
  const day = random.integer(DAYS - 22, DAYS - 1)
  const date = addDays(FIRST_DATE, day)
  return {
    stream_id: id,
    user_id: random.integer(1, USERS),
    track_id: random.integer(1, TRACKS),
    date_key: Number(date.replaceAll('-', '')),
    listen_duration: random.integer(10, 345),
    device_type: random.pick(DEVICES),
    // Two loads a night: ties here too, and most streams of a night share one second.
    stream_timestamp: `${date} 02:14:5${random.chance(0.3) ? 8 : 9}`,
  }
}
