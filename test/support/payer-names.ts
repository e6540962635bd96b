import type { CustomerName } from '../../src/bank-accounts/same-person.ts'
import type { Random } from './random.ts'

const words = (text: string): readonly string[] => text.split(' ')

/** Common names first: the first ones of each list are many people's. */
const PEOPLE = {
  spanish: {
    given: words(
      'María Carmen José Antonio Manuel Francisco Ana Juan David Laura Javier Lucía Daniel Marta Sergio Cristina Álvaro Iñigo Begoña Nuria Óscar Rocío Jesús Ángela Rubén',
    ),
    surnames: words(
      'García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández Díaz Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez Serrano Blanco Molina Castro Ortega Rubio Sanz Iglesias Núñez Medina Garrido Cortés Castillo Lozano Guerrero Cano Prieto Calvo Peña Ibáñez Echeverría Arrizabalaga Zubizarreta',
    ),
  },
  portuguese: {
    given: words(
      'João Inês Rui Conceição António Fátima Gonçalo Simão Beatriz Tomás Luís Sofia Estêvão Débora',
    ),
    surnames: words(
      'Silva Santos Ferreira Pereira Oliveira Costa Rodrigues Martins Sousa Fernandes Gonçalves Gomes Lopes Marques Alves Almeida Ribeiro Pinto Carvalho Teixeira Moreira Araújo Magalhães Guimarães',
    ),
  },
  german: {
    given: words('Jürgen Björn Käthe Günther Sören Anna Lukas Hannah Felix Jörg Ursula Matthias Zoë Dörte'),
    surnames: words(
      'Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Krüger Groß Böhm Jäger Köhler Straßer Weiß',
    ),
  },
  arabic: {
    given: words('Mohamed Youssef Fatima Khadija Abdelkader Hassan Aïcha Omar Leïla Rachid Nadia Karim'),
    surnames: words(
      'Alaoui Benali Bennani Haddad Mansouri Amrani Tazi Idrissi Berrada Chraibi Fassi Ziani Bouazza Rahmani',
    ),
  },
} as const

const TRADES = words(
  'Construcciones Panadería Talleres Importaciones Viajes Óptica Bäckerei Serviços Gestoría Electrónica',
)
const FORMS = ['S.L.', 'SL', 'S.A.', 'GmbH', 'Lda', 'SLU'] as const

/** The first of a list come far more often than the last, as names do. */
function pickCommon(random: Random, from: readonly string[]): string {
  return from[Math.floor(from.length * random.next() ** 1.8)]!
}

/** Whoever buys: mostly Spanish, one in twenty-five a company. */
export function inventName(random: Random): CustomerName {
  const chance = random.next()
  const culture =
    chance < 0.7 ? 'spanish' : chance < 0.82 ? 'portuguese' : chance < 0.93 ? 'german' : 'arabic'
  const { given, surnames } = PEOPLE[culture]
  if (random.chance(0.04)) {
    return { company: `${random.pick(TRADES)} ${pickCommon(random, surnames)} ${random.pick(FORMS)}` }
  }
  const first = pickCommon(random, given)
  const second = pickCommon(random, given)
  const names = random.chance(0.25) && second !== first ? `${first} ${second}` : first
  const [one, two] = [pickCommon(random, surnames), pickCommon(random, surnames)]
  if (culture === 'spanish') return { given: names, surnames: `${one} ${two}` }
  if (culture === 'portuguese')
    return { given: names, surnames: random.chance(0.3) ? `da ${one} ${two}` : `${one} ${two}` }
  if (culture === 'german') return { given: names, surnames: random.chance(0.05) ? `von ${one}` : one }
  return { given: names, surnames: random.chance(0.3) ? `El ${one}` : one }
}

/** A brother or a sister: the same surnames, another given name. */
export function inventRelative(random: Random, name: CustomerName): CustomerName {
  if ('company' in name) return inventName(random)
  const others = [...PEOPLE.spanish.given, ...PEOPLE.german.given].filter((one) => !name.given.includes(one))
  return { given: random.pick(others), surnames: name.surnames }
}

const MOST_CHARACTERS = 35
const UMLAUTS: Readonly<Record<string, string>> = { Ä: 'AE', Ö: 'OE', Ü: 'UE', ß: 'SS' }

/** The name as a bank writes it: capitals, without accents, last names first, shortened, cut. */
export function writeAsBank(random: Random, name: CustomerName): string {
  const plain = writePlain(random, name)
  const capitals = random.chance(0.8) ? plain.toUpperCase() : plain
  const spelled = random.chance(0.85) ? withoutAccents(random, capitals) : capitals
  return spelled.slice(0, MOST_CHARACTERS).trimEnd()
}

function writePlain(random: Random, name: CustomerName): string {
  if ('company' in name) return random.chance(0.7) ? name.company : name.company.replaceAll('.', '')
  const { given, surnames } = name
  const [firstGiven] = given.split(' ') as [string]
  const all = surnames ?? ''
  const firstSurname = all
    .split(' ')
    .slice(0, /^(da|von|El)\b/.test(all) ? 2 : 1)
    .join(' ')
  const how = random.next()
  if (how < 0.5) return `${given} ${all}`
  if (how < 0.72) return `${all} ${given}`
  if (how < 0.82) return `${all}, ${given}`
  if (how < 0.9) return `${firstGiven} ${all}`
  if (how < 0.96) return `${given} ${firstSurname}`
  if (how < 0.98) return `${firstGiven[0]}. ${all}`
  return `${random.pick(['D.', 'DÑA', 'Herr', 'SR'])} ${given} ${all}`
}

function withoutAccents(random: Random, text: string): string {
  const german = random.chance(0.5) ? text.replaceAll(/[ÄÖÜß]/g, (letter) => UMLAUTS[letter]!) : text
  return german.replaceAll('ß', 'ss').normalize('NFD').replaceAll(/\p{M}/gu, '')
}
