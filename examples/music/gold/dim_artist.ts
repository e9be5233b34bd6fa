/** Every version of an artist: the same kind of flow as dim_user.sql, as typed values. */
import { autoCdcFlow, expectAllOrDrop, streamingTable } from 'tidemark'

export const dimArtist = streamingTable({
  name: 'gold.dim_artist',
  expectations: expectAllOrDrop({ valid_id: 'artist_id IS NOT NULL', named: "artist_name <> ''" }),
})

export const dimArtistCdc = autoCdcFlow({
  name: 'dim_artist_cdc',
  target: dimArtist,
  source: 'silver.DimArtist',
  keys: ['artist_id'],
  applyAsDeleteWhen: "_op = 'delete'",
  sequenceBy: 'updated_at',
  storedAsScdType: 2,
})
