import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type CustomerName, isSamePerson } from './same-person.ts'

/** `given|surnames`, or `given` alone when nobody told the surnames; a company stands behind `=`. */
function customerOf(text: string): CustomerName {
  if (text.startsWith('=')) return { company: text.slice(1) }
  const [given = '', surnames = null] = text.split('|')
  return { given, surnames }
}

const SAME: [customer: string, payers: string[]][] = [
  [
    'Ana|Pérez García',
    [
      'PEREZ GARCIA ANA',
      'Ana Perez',
      'PEREZ GARCIA, ANA MARIA',
      'ANA PEREZ G.',
      'A. PEREZ GARCIA',
      'PEREZ GARCIA A.',
      'Dña. Ana Pérez García',
      'MRS ANA PEREZ',
      'ANA PEREZ-GARCIA',
      'ANA PEREZGARCIA',
      'ANA PEREZ GCIA',
      'ANA PEREZ GARCIA Y LUIS LOPEZ RUIZ',
      'ANA PEREZ / LUIS LOPEZ',
      'ＡＮＡ ＰＥＲＥＺ',
    ],
  ],
  ['José|Ñandú', ['JOSE NANDU', 'Ñandú José']],
  [
    'José|de la Torre',
    ['JOSE TORRE', 'DE LA TORRE JOSE', 'JOSE DELATORRE', 'J DE LA TORRE', 'JOSE DE LA TORRE RUIZ'],
  ],
  [
    'María José|López',
    ['MARIA JOSE LOPEZ', 'MARIAJOSE LOPEZ', 'MARIA LOPEZ', 'MA JOSE LOPEZ', 'Mª José López', 'M J LOPEZ'],
  ],
  ['Juan Carlos|Ruiz', ['JUAN C RUIZ', 'J.C. RUIZ', 'JUAN RUIZ', 'RUIZ JUAN CARLOS', 'MR J RUIZ']],
  ['Juan C|Ruiz', ['JUAN CARLOS RUIZ']],
  ['Francisco|Fernández González', ['FCO FDEZ GLEZ']],
  ['Ana Pérez García', ['PEREZ GARCIA ANA', 'ANA PEREZ', 'ANA MARIA PEREZ GARCIA']],
  ['Jürgen|Groß', ['JUERGEN GROSS', 'JURGEN GROSS', 'Herr Jürgen Gross']],
  ['Søren|Łukasz', ['SOREN LUKASZ']],
  ["Sean|O'Brien", ['SEAN OBRIEN', 'SEAN O BRIEN', 'Sean O’Brien']],
  ['Ronald|McDonald', ['RONALD MC DONALD']],
  ['Anna|Jansen-de Vries', ['A. JANSEN DE VRIES', 'ANNA JANSEN']],
  ['Do|Van', ['DO VAN', 'VAN DO']],
  ['Suharto', ['SUHARTO', 'SUHARTO SUHARTO']],
  ['伟|王', ['王伟', '王 伟', '伟 王']],
  ['A|B', ['A B', 'B A']],
  ['Ñ|O', ['Ñ O', 'N O']],
  ['U|Kim', ['KIM U']],
  [
    'María Guadalupe|Hernández Maldonado',
    ['MARIA GUADALUPE HERNANDEZ MALDONAD', 'MARIA GUADALUPE HERNANDEZ M'],
  ],
  [
    '=Remesas del Sur SL',
    ['REMESAS DEL SUR, S.L.', 'REMESAS DEL SUR', 'REMESAS DEL SUR SOCIEDAD LIMITADA', 'Remesas del Sur SLU'],
  ],
  ['=Müller & Söhne GmbH', ['MUELLER UND SOEHNE GMBH', 'MULLER SOHNE']],
  ['=Remesas Internacionales del Mediterráneo SL', ['REMESAS INTERNACIONALES DEL MEDITER']],
]

for (const [customer, payers] of SAME) {
  test(`${customer} as banks write it`, () => {
    for (const payer of payers) assert.ok(isSamePerson(customerOf(customer), payer), `${customer} = ${payer}`)
  })
}

const OTHERS: [customer: string, payers: string[]][] = [
  ['José|de la Torre', ['MARIA DE LA CRUZ', 'JOSE DE LA CRUZ', 'MARIA DE LA TORRE', 'JOSE DE LA', 'DE LA']],
  ['José de la Torre', ['MARIA DE LA CRUZ', 'JOSE DE LA CRUZ']],
  ['Juan Carlos|Ruiz', ['Juan Carlos Pérez', 'JUAN CARLOS', 'JUAN PEDRO RUIZ', 'CARLOS', 'RUIZ', 'L RUIZ']],
  ['Juan Carlos Ruiz', ['Juan Carlos Pérez', 'RUIZ']],
  [
    'Ana|Pérez García',
    [
      'Bruno Lima',
      'Luis Pérez',
      'LUIS PEREZ GARCIA',
      'PEREZ GARCIA',
      'ANA PEREZ LOPEZ',
      'ANA LOPEZ',
      'ANA',
      'A. P.',
      'A. PEREZ',
      'A PEREZ LOPEZ GARCIA',
      'ANA PEREZ GARCIA SL',
      'ANA PEREZ GARCIA, S. L.',
      'PEREZ GARCIA HERMANOS SA',
      'ANABEL PEREZ GARCIA',
      '',
      '-',
    ],
  ],
  ['María Carmen|Ruiz López', ['MARIA ISABEL RUIZ LOPEZ', 'CARMENCITA RUIZ LOPEZ']],
  // What an accent follows is no word by itself.
  ['María|Pérez García', ['MARÍA PÉREZ ANDÚJAR', 'MARÍA PÉREZ ANDÍA', 'MARÍA PÉREZ UNDÉN']],
  ['José|García García', ['JOSE GARCIA LOPEZ']],
  ['A|B', ['A C', 'ANA BERMUDEZ']],
  ['伟|王', ['王', '王小明', '李 伟']],
  ['Suharto', ['SUHARTO WIDODO', 'SUHARTI']],
  ['Li', ['LI WEI']],
  ['राम|कुमार', ['रीमा कुमार']],
  ['María|Hernández', ['MARIA HERN']],
  ['', ['', 'ANA']],
  [
    '=Remesas del Sur SL',
    [
      'REMESAS DEL SUR SA',
      'REMESAS DEL SUR INVERSIONES SL',
      'REMESAS DEL NORTE SL',
      'REMESAS',
      'SL',
      'ANA PEREZ',
      '',
    ],
  ],
]

for (const [customer, payers] of OTHERS) {
  test(`${customer} is nobody else`, () => {
    for (const payer of payers)
      assert.ok(!isSamePerson(customerOf(customer), payer), `${customer} ≠ ${payer}`)
  })
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((some) => some.trim() !== '')

test('whatever the name, it is its own', () => {
  fc.assert(
    fc.property(text, fc.option(text), (given, surnames) =>
      isSamePerson({ given, surnames }, surnames === null ? given : `${given} ${surnames}`),
    ),
  )
  fc.assert(fc.property(text, (company) => isSamePerson({ company }, company)))
})

const GIVEN = ['Ana', 'María', 'Juan', 'Carlos', 'José', 'Luis']
const SURNAMES = ['Pérez', 'García', 'de la Torre', 'Ruiz', 'López', 'Müller']
const names = fc.record({
  given: fc.subarray(GIVEN, { minLength: 1, maxLength: 2 }).map((some) => some.join(' ')),
  surnames: fc.subarray(SURNAMES, { minLength: 1, maxLength: 2 }).map((some) => some.join(' ')),
})
type Names = { given: string; surnames: string }
const written = ({ given, surnames }: Names) => `${surnames} ${given}`.toUpperCase()

test('it does not matter who pays for whom, where no given name is a surname', () => {
  fc.assert(
    fc.property(
      names,
      names,
      (one, other) => isSamePerson(one, written(other)) === isSamePerson(other, written(one)),
    ),
  )
})

test('who has no surname or no given name in common is another', () => {
  const words = (some: string) => some.split(' ')
  fc.assert(
    fc.property(names, names, (one, other) => {
      const shares = (of: keyof Names, all: readonly string[]) =>
        all.some((name) =>
          words(name).every((word) => words(one[of]).includes(word) && words(other[of]).includes(word)),
        )
      return (shares('given', GIVEN) && shares('surnames', SURNAMES)) || !isSamePerson(one, written(other))
    }),
  )
})
