// What the alerts on calls say.
{
  FrsApiErrorRatioHigh: {
    summary: {
      en: 'Many calls of an API fail.',
      'zh-CN': '某个 API 的调用大量失败。',
    },
    description: {
      en: |||
        {{ $value | humanizePercentage }} of the calls of {{ $labels.api }} in {{ $labels.project }} fail with
        {{ $labels.class }}, by Cloud Eye: 5xx are the vendor's errors, 4xx those of whoever calls.
      |||,
      'zh-CN': |||
        据云监控，{{ $labels.project }} 的 {{ $labels.api }} 有 {{ $value | humanizePercentage }} 的调用失败，类别
        {{ $labels.class }}：5xx 是华为云的错误，4xx 是调用方的错误。
      |||,
    },
  },

  FrsApiSlow: {
    summary: {
      en: 'An API answers slowly.',
      'zh-CN': '某个 API 响应缓慢。',
    },
    description: {
      en: |||
        {{ $labels.api }} in {{ $labels.project }} takes {{ $value | humanizeDuration }} on average, by Cloud Eye: people
        wait at the door.
      |||,
      'zh-CN': '据云监控，{{ $labels.project }} 的 {{ $labels.api }} 平均耗时 {{ $value | humanizeDuration }}：门前的人在等待。',
    },
  },

  FrsMonthCostOverBudget: {
    summary: {
      en: "The month's calls cost more than the config allows.",
      'zh-CN': '本月调用费用超过配置的预算。',
    },
    description: {
      en: |||
        The calls of {{ $labels.project }} have cost about {{ $value | printf "%.2f" }} CNY this month, more than its
        month_budget_cny. Look which API is called, and by whom.
      |||,
      'zh-CN': |||
        {{ $labels.project }} 本月的调用费用约为 {{ $value | printf "%.2f" }} 元，已超过其 month_budget_cny。
        请查看是哪个 API、由谁调用。
      |||,
    },
  },
}
