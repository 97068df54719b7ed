// What can be set of rules and dashboards. What is not set is as shipped; a name that is not known is an error.
{
  _config+:: {
    // Matchers of labels, without braces, in every selector of a metric: 'job="frs", env="prod"' say. A series that our
    // rules record is made of such metrics; no matcher is put there, as most labels end where series are added up.
    selector: '',

    // The label that tells clusters apart. The texts and the joins of all rules use it.
    clusterLabel: 'cluster',

    // Of the texts, 'en' or 'zh-CN' or both. The first one's are `summary` and `description`, and its dashboards are
    // taken; the second one's annotations have its name at their end: `summary_zh_CN`.
    languages: ['en'],

    // Where runbooks.md is published, or runbooks.zh-CN.md.
    runbookUrl: 'https://runbooks.example.com/frs-exporter',

    // Where people reach the exporter's page; empty for the address that Prometheus scrapes.
    pageUrl: '',

    // Labels of all alerts, beside their severity.
    additionalRuleLabels: {},

    // Numbers that are not as in thresholds.libsonnet: {voucherDays: 30} say.
    thresholds: {},

    // By the alert's name: enabled, severity, for, keepFiringFor, labels. For example
    // {FrsExporterAbsent: {enabled: false}, FrsApiSlow: {severity: 'info', 'for': '1h', labels: {team: 'doors'}}}.
    alerts: {},
  },
}
