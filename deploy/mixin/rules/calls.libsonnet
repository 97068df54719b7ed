// Rules on calls of the APIs, by Cloud Eye, and what they cost.
{
  name: 'frs.calls',
  rules: [
    {
      record: 'project_api_class:frs_api_errors:ratio_rate30m',
      expr: |||
        rate(frs_api_errors_total{%(selector)s}[30m])
        / on (%(clusterLabel)s, namespace, job, instance, project, api) group_left ()
        (sum without (class) (rate(frs_api_errors_total{%(selector)s}[30m]))
          + rate(frs_api_calls_total{%(selector)s}[30m]) > 0)
      |||,
    },

    {
      record: 'project:frs_month_api_cost_cny:sum',
      expr: 'sum without (api) (frs_month_api_cost_cny{%(selector)s})',
    },

    // Pictures without a face are a 4xx, too: some are normal. Ten errors, so that one of three calls is no alarm. The
    // exporter's own probes are subtracted from that; in the ratio of so many calls one or two of them do not matter.
    {
      alert: 'FrsApiErrorRatioHigh',
      expr: |||
        (project_api_class:frs_api_errors:ratio_rate30m{class="5xx"} > %(apiServerErrorRatio)s
        or project_api_class:frs_api_errors:ratio_rate30m{class="4xx"} > %(apiClientErrorRatio)s)
        and on (%(clusterLabel)s, namespace, job, instance, project, api, class) (
          increase(frs_api_errors_total{class="4xx", %(selector)s}[30m])
          - on (%(clusterLabel)s, namespace, job, instance, project) group_left ()
          (sum without (subservice) (increase(frs_subscription_probes_total{%(selector)s}[30m])))
          or increase(frs_api_errors_total{%(selector)s}[30m])
        ) >= %(apiErrors)s
      |||,
      'for': '15m',
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    // Ten calls, so that a slow one at night is no alarm.
    {
      alert: 'FrsApiSlow',
      expr: |||
        avg_over_time(frs_api_latency_average_seconds{%(selector)s}[30m]) > %(apiLatencySeconds)s
        and on (%(clusterLabel)s, namespace, job, instance, project, api)
          increase(frs_api_calls_total{%(selector)s}[30m]) >= %(apiCalls)s
      |||,
      'for': '15m',
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    {
      alert: 'FrsMonthCostOverBudget',
      expr: 'project:frs_month_api_cost_cny:sum > frs_month_budget_cny{%(selector)s}',
      'for': '30m',
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },
  ],
}
