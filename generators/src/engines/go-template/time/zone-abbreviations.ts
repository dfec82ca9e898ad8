/**
 * What a zone calls its offsets, from the IANA database of 2025 (public domain; Go reads the same). Intl knows names in
 * the language of the reader only: `GMT+1` in America is `CET` in Europe. A line has offsets in minutes with their
 * names, then the zones; a line that begins with a space goes on.
 */
const TABLE = `
-210=NST -150=NDT -90=NDDT: America/St_Johns Canada/Newfoundland
-240=AST: America/Anguilla America/Antigua America/Aruba America/Blanc-Sablon America/Curacao America/Dominica
  America/Grenada America/Guadeloupe America/Kralendijk America/Lower_Princes America/Marigot America/Miquelon
  America/Montserrat America/Port_of_Spain America/Puerto_Rico America/St_Barthelemy America/St_Kitts
  America/St_Lucia America/St_Thomas America/St_Vincent America/Tortola America/Virgin
-240=AST -180=ADT: America/Barbados America/Glace_Bay America/Halifax America/Martinique America/Moncton
  America/Thule Atlantic/Bermuda Canada/Atlantic
-240=AST -180=ADT -120=ADDT: America/Goose_Bay
-300=CST -240=CDT: America/Havana Cuba
-300=EST: America/Atikokan America/Cayman America/Coral_Harbour America/Panama EST
-300=EST -240=AST: America/Santo_Domingo
-300=EST -240=EDT: America/Detroit America/Fort_Wayne America/Grand_Turk America/Indiana/Indianapolis
  America/Indiana/Marengo America/Indiana/Vevay America/Indianapolis America/Jamaica America/Kentucky/Louisville
  America/Louisville America/Montreal America/Nassau America/New_York America/Nipigon America/Port-au-Prince
  America/Thunder_Bay America/Toronto Canada/Eastern EST5EDT Jamaica US/East-Indiana US/Eastern US/Michigan
-360=CST: America/Regina Canada/Saskatchewan
-360=CST -300=CDT: America/Belize America/Chicago America/Costa_Rica America/El_Salvador America/Guatemala
  America/Indiana/Knox America/Knox_IN America/Managua America/Matamoros America/Menominee America/Merida
  America/Mexico_City America/Monterrey America/Rainy_River America/Rankin_Inlet America/Resolute
  America/Tegucigalpa America/Winnipeg CST6CDT Canada/Central Mexico/General US/Central US/Indiana-Starke
-360=CST -300=CDT -240=EDT: America/Indiana/Tell_City
-360=CST -300=EST -240=EDT: America/Cancun America/Indiana/Petersburg America/Indiana/Vincennes
  America/Indiana/Winamac America/Iqaluit America/Kentucky/Monticello America/Pangnirtung
-420=MST: America/Creston America/Phoenix MST US/Arizona
-420=MST -360=CST: America/Swift_Current
-420=MST -360=CST -300=CDT: America/Bahia_Banderas America/Chihuahua America/North_Dakota/Beulah
  America/North_Dakota/Center America/North_Dakota/New_Salem America/Ojinaga
-420=MST -360=MDT: America/Boise America/Denver America/Edmonton America/Hermosillo America/Mazatlan
  America/Shiprock America/Yellowknife Canada/Mountain MST7MDT Mexico/BajaSur Navajo US/Mountain
-420=MST -360=MDT -300=CDT: America/Ciudad_Juarez
-420=MST -360=MDT -300=EST: America/Cambridge_Bay
-44.5=MMT 0=GMT: Africa/Monrovia
-480=PST -420=MST: America/Dawson_Creek America/Fort_Nelson America/Whitehorse Canada/Yukon
-480=PST -420=MST -360=MDT: America/Inuvik
-480=PST -420=PDT: America/Ensenada America/Los_Angeles America/Santa_Isabel America/Tijuana America/Vancouver
  Canada/Pacific Mexico/BajaNorte PST8PDT US/Pacific
-540=AKST -480=AKDT: America/Yakutat
-540=AKST -480=AKDT -420=PDT: America/Juneau America/Metlakatla America/Sitka
-540=YST -480=PST -420=MST: America/Dawson
-600=AHST -540=AKST -480=AKDT: America/Anchorage US/Alaska
-600=HST: HST Pacific/Honolulu Pacific/Johnston US/Hawaii
-660=BST -600=BDT -540=AKST -480=AKDT: America/Nome
-660=BST -600=HST -540=HDT: America/Adak America/Atka US/Aleutian
-660=SST: Pacific/Midway Pacific/Pago_Pago Pacific/Samoa US/Samoa
0=GMT: Africa/Abidjan Africa/Accra Africa/Bamako Africa/Banjul Africa/Bissau Africa/Conakry Africa/Dakar
  Africa/Freetown Africa/Lome Africa/Nouakchott Africa/Ouagadougou Africa/Timbuktu America/Danmarkshavn
  Atlantic/Reykjavik Atlantic/St_Helena Etc/GMT Etc/GMT+0 Etc/GMT-0 Etc/GMT0 Etc/Greenwich GMT GMT+0 GMT-0 GMT0
  Greenwich Iceland
0=GMT 60=BST: Europe/Belfast Europe/Guernsey Europe/Isle_of_Man Europe/Jersey Europe/London GB GB-Eire
0=GMT 60=IST: Eire Europe/Dublin
0=GMT 60=WAT: Africa/Sao_Tome
0=UTC: Etc/UCT Etc/UTC Etc/Universal Etc/Zulu UCT UTC Universal Zulu
0=WET 60=CET 120=CEST: Africa/Algiers Africa/Ceuta
0=WET 60=WEST: Atlantic/Canary Atlantic/Faeroe Atlantic/Faroe Atlantic/Madeira WET
0=WET 60=WEST 120=CEST: Europe/Lisbon Portugal
120=CAT: Africa/Blantyre Africa/Bujumbura Africa/Gaborone Africa/Harare Africa/Kigali Africa/Lubumbashi
  Africa/Lusaka Africa/Maputo
120=CAT 180=EAT: Africa/Juba Africa/Khartoum
120=EET: Asia/Amman Asia/Damascus Asia/Istanbul Europe/Istanbul Turkey
120=EET 180=EEST: Africa/Cairo Asia/Beirut Asia/Famagusta Asia/Gaza Asia/Hebron Asia/Nicosia EET Egypt
  Europe/Athens Europe/Bucharest Europe/Helsinki Europe/Mariehamn Europe/Nicosia Europe/Sofia
120=EET 180=EEST 240=MSD: Europe/Chisinau Europe/Kiev Europe/Kyiv Europe/Riga Europe/Tallinn Europe/Tiraspol
  Europe/Uzhgorod Europe/Zaporozhye
120=EET 180=MSK 240=MSK: Europe/Moscow Europe/Simferopol W-SU
120=EET 240=MSD: Europe/Kaliningrad Europe/Minsk
120=IST 180=IDT: Asia/Jerusalem Asia/Tel_Aviv Israel
120=SAST: Africa/Johannesburg Africa/Maseru Africa/Mbabane
180=EAT: Africa/Addis_Ababa Africa/Asmara Africa/Asmera Africa/Dar_es_Salaam Africa/Djibouti Africa/Kampala
  Africa/Mogadishu Africa/Nairobi Indian/Antananarivo Indian/Comoro Indian/Mayotte
180=MSK: Europe/Volgograd
180=MSK 240=MSK: Europe/Kirov
19.533333333333335=AMT 60=CET 120=CEST: Europe/Amsterdam
300=PKT 360=PKST: Asia/Karachi
330=IST: Asia/Calcutta Asia/Kolkata
420=WIB: Asia/Jakarta
420=WIB 480=WITA: Asia/Pontianak
480=AWST 540=AWDT: Australia/Perth Australia/West
480=CST 540=CDT: Asia/Chongqing Asia/Chungking Asia/Harbin Asia/Macao Asia/Macau Asia/Shanghai Asia/Taipei PRC
  ROC
480=HKT 540=HKST: Asia/Hong_Kong Hongkong
480=PST 540=PDT: Asia/Manila
480=WITA: Asia/Makassar Asia/Ujung_Pandang
510=KST 540=KST: Asia/Pyongyang
540=JST: Asia/Tokyo Japan
540=KST 600=KDT: Asia/Seoul ROK
540=WIT: Asia/Jayapura
57.733333333333334=PMT 60=CET 120=CEST: Europe/Bratislava Europe/Prague
570=ACST: Australia/Darwin Australia/North
570=ACST 630=ACDT: Australia/Adelaide Australia/Broken_Hill Australia/South Australia/Yancowinna
600=AEST: Australia/LHI Australia/Lord_Howe
600=AEST 660=AEDT: Antarctica/Macquarie Australia/ACT Australia/Brisbane Australia/Canberra Australia/Currie
  Australia/Hobart Australia/Lindeman Australia/Melbourne Australia/NSW Australia/Queensland Australia/Sydney
  Australia/Tasmania Australia/Victoria
600=ChST 660=GDT: Pacific/Guam Pacific/Saipan
60=CET 120=CEST: Africa/Tunis Arctic/Longyearbyen Atlantic/Jan_Mayen CET Europe/Andorra Europe/Belgrade
  Europe/Berlin Europe/Brussels Europe/Budapest Europe/Busingen Europe/Copenhagen Europe/Gibraltar
  Europe/Ljubljana Europe/Luxembourg Europe/Madrid Europe/Malta Europe/Monaco Europe/Oslo Europe/Paris
  Europe/Podgorica Europe/Rome Europe/San_Marino Europe/Sarajevo Europe/Skopje Europe/Stockholm Europe/Tirane
  Europe/Vaduz Europe/Vatican Europe/Vienna Europe/Warsaw Europe/Zagreb Europe/Zurich Poland
60=CET 120=EET: Africa/Tripoli Libya
60=CET 120=EET 180=EEST 240=MSD: Europe/Vilnius
60=MET 120=MEST: MET
60=WAT: Africa/Bangui Africa/Brazzaville Africa/Douala Africa/Kinshasa Africa/Lagos Africa/Libreville
  Africa/Luanda Africa/Malabo Africa/Niamey Africa/Porto-Novo
60=WAT 120=CAT: Africa/Windhoek
60=WAT 120=WAST: Africa/Ndjamena
60=WEST: Atlantic/Azores
720=NZST 780=NZDT: Antarctica/McMurdo Antarctica/South_Pole NZ Pacific/Auckland
`

/** Offset in seconds → name, for each zone that has names. */
export const ZONE_ABBREVIATIONS: ReadonlyMap<string, ReadonlyMap<number, string>> = readTable()

function readTable(): ReadonlyMap<string, ReadonlyMap<number, string>> {
  const zones = new Map<string, ReadonlyMap<number, string>>()
  for (const line of TABLE.trim().replaceAll('\n  ', ' ').split('\n')) {
    const [names, list] = line.split(': ') as [string, string]
    const byOffset = new Map(
      names.split(' ').map(name => {
        const [minutes, abbreviation] = name.split('=') as [string, string]
        return [Number(minutes) * 60, abbreviation]
      }),
    )
    for (const zone of list.split(' ')) zones.set(zone, byOffset)
  }
  return zones
}
