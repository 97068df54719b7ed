// What the alerts on polls say.
{
  FrsCredentialRejected: {
    summary: {
      en: 'The cloud refuses a password or an access key.',
      'zh-CN': '云端拒绝了密码或访问密钥。',
    },
    description: {
      en: |||
        Credential {{ $labels.credential }} of {{ $labels.instance }} is refused: all its projects go blind as their
        tokens end. Correct the secret where the config has it; it is taken up within half a minute.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 的凭证 {{ $labels.credential }} 被拒绝：Token 到期后，它的所有项目都将无法查询。
        请在配置所引用之处改正，半分钟内自动生效。
      |||,
    },
  },

  FrsAuthFailing: {
    summary: {
      en: 'A project cannot be asked, as the cloud refuses who asks.',
      'zh-CN': '某个项目无法查询：云端拒绝了查询者。',
    },
    description: {
      en: |||
        {{ $labels.collector }} of {{ $labels.project }} ({{ $labels.region }}, credential {{ $labels.credential }}) has no
        answer for {{ $value | humanize }} poll intervals, as the cloud refuses who asks.{{ with printf
        `frs_poll_error_info{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q,collector=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project $labels.collector
        | query }}{{ $reason := (first .).Labels.reason }} It fails with reason {{ $reason }}:
        frs-exporter explain {{ $reason }} says what to do.{{ end }}
      |||,
      'zh-CN': |||
        {{ $labels.project }}（{{ $labels.region }}，凭证 {{ $labels.credential }}）的 {{ $labels.collector }} 已有
        {{ $value | humanize }} 个轮询周期没有答复：云端拒绝了查询者。{{ with printf
        `frs_poll_error_info{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q,collector=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project $labels.collector
        | query }}{{ $reason := (first .).Labels.reason }}失败原因
        {{ $reason }}，如何处理见 frs-exporter explain {{ $reason }}。{{ end }}
      |||,
    },
  },

  FrsApiAbsent: {
    summary: {
      en: 'There is no such API where a project is asked.',
      'zh-CN': '查询某个项目的地址没有对应的 API。',
    },
    description: {
      en: |||
        {{ $labels.collector }} of {{ $labels.project }} finds no API in {{ $labels.region }}, for
        {{ $value | humanize }} poll intervals: the region or an endpoint is wrong, or the API is there no more.
      |||,
      'zh-CN': |||
        {{ $labels.project }} 的 {{ $labels.collector }} 在 {{ $labels.region }} 找不到 API，已有
        {{ $value | humanize }} 个轮询周期：区域或终端节点有误，或该 API 已下线。
      |||,
    },
  },

  FrsThrottled: {
    summary: {
      en: 'The cloud asks an FRS exporter to slow down.',
      'zh-CN': '云端要求 FRS exporter 放慢请求。',
    },
    description: {
      en: |||
        {{ $labels.collector }} of {{ $labels.project }} is throttled (credential {{ $labels.credential }}), for
        {{ $value | humanize }} poll intervals: somebody else calls the API as this user, or limits are too high.
      |||,
      'zh-CN': |||
        {{ $labels.project }} 的 {{ $labels.collector }}（凭证 {{ $labels.credential }}）被限流，已有
        {{ $value | humanize }} 个轮询周期：有人以同一用户调用该 API，或 limits 过高。
      |||,
    },
  },

  FrsPollFailing: {
    summary: {
      en: 'A project or account cannot be asked.',
      'zh-CN': '某个项目或账号无法查询。',
    },
    description: {
      en: |||
        {{ $labels.collector }} of {{ $labels.project }} ({{ $labels.region }}, credential {{ $labels.credential }}) has no
        answer for {{ $value | humanize }} poll intervals.{{ with printf
        `frs_poll_error_info{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q,collector=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project $labels.collector
        | query }}{{ $reason := (first .).Labels.reason }} It fails with reason {{ $reason }}:
        frs-exporter explain {{ $reason }} says what to do.{{ end }}
      |||,
      'zh-CN': |||
        {{ $labels.project }}（{{ $labels.region }}，凭证 {{ $labels.credential }}）的 {{ $labels.collector }} 已有
        {{ $value | humanize }} 个轮询周期没有答复。{{ with printf
        `frs_poll_error_info{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q,collector=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project $labels.collector
        | query }}{{ $reason := (first .).Labels.reason }}失败原因
        {{ $reason }}，如何处理见 frs-exporter explain {{ $reason }}。{{ end }}
      |||,
    },
  },

  FrsCollectorFailing: {
    summary: {
      en: 'A collector beside the subscription has nothing new to tell.',
      'zh-CN': 'subscription 以外的某个采集器没有新数据。',
    },
    description: {
      en: |||
        {{ $labels.collector }} of {{ $labels.project }} ({{ $labels.region }}, credential {{ $labels.credential }}) has no
        answer for {{ $value | humanize }} poll intervals: what it tells is not watched.{{ with printf
        `frs_poll_error_info{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q,collector=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project $labels.collector
        | query }}{{ $reason := (first .).Labels.reason }} It fails with reason {{ $reason }}:
        frs-exporter explain {{ $reason }} says what to do.{{ end }}
      |||,
      'zh-CN': |||
        {{ $labels.project }}（{{ $labels.region }}，凭证 {{ $labels.credential }}）的 {{ $labels.collector }} 已有
        {{ $value | humanize }} 个轮询周期没有答复：它提供的情况无人监控。{{ with printf
        `frs_poll_error_info{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q,collector=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project $labels.collector
        | query }}{{ $reason := (first .).Labels.reason }}失败原因
        {{ $reason }}，如何处理见 frs-exporter explain {{ $reason }}。{{ end }}
      |||,
    },
  },

  FrsPollsUnreliable: {
    summary: {
      en: 'Most polls of a project or account fail, though some are answered.',
      'zh-CN': '某个项目或账号的轮询多数失败，但仍有成功。',
    },
    description: {
      en: |||
        {{ $value | humanizePercentage }} of the polls of {{ $labels.collector }} of {{ $labels.project }} have failed
        within the last hour, of accounts within a day: what is known is often old.{{ with printf
        `increase(frs_poll_errors_total{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q,collector=%q}[%s]) > 0`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project $labels.collector
        (or (and (match "billing|vouchers" $labels.collector) "1d") "1h") | query }} They fail with{{ range $i, $it := . }}{{ if $i }},{{ end }} {{ $it.Labels.reason }}{{ end }}.{{ end }}
      |||,
      'zh-CN': |||
        过去一小时内（账号为一天内），{{ $labels.project }} 的 {{ $labels.collector }} 有
        {{ $value | humanizePercentage }} 的轮询失败：已知情况往往是旧的。{{ with printf
        `increase(frs_poll_errors_total{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q,collector=%q}[%s]) > 0`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project $labels.collector
        (or (and (match "billing|vouchers" $labels.collector) "1d") "1h") | query }}失败原因：{{ range $i, $it := . }}{{ if $i }}、{{ end }}{{ $it.Labels.reason }}{{ end }}。{{ end }}
      |||,
    },
  },

  FrsDataStale: {
    summary: {
      en: 'Nothing new is known of a project.',
      'zh-CN': '某个项目没有新数据。',
    },
    description: {
      en: |||
        {{ $labels.collector }} of {{ $labels.project }} ({{ $labels.region }}, credential {{ $labels.credential }}) has no
        answer for {{ $value | humanize }} poll intervals: what is switched off meanwhile is not noticed.
      |||,
      'zh-CN': |||
        {{ $labels.project }}（{{ $labels.region }}，凭证 {{ $labels.credential }}）的 {{ $labels.collector }} 已有
        {{ $value | humanize }} 个轮询周期没有答复：此间子服务被关闭也不会被发现。
      |||,
    },
  },

  FrsNeverAnswered: {
    summary: {
      en: 'There never was an answer about a project.',
      'zh-CN': '某个项目从未得到答复。',
    },
    description: {
      en: |||
        {{ $labels.collector }} of {{ $labels.project }} has had no answer since it is asked for by {{ $labels.instance }},
        for %(for:words)s at least: the status page says why, and what to do.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 开始查询 {{ $labels.project }} 的 {{ $labels.collector }} 以来从未得到答复，至少已有 %(for:words)s：
        原因和处理建议见状态页。
      |||,
    },
  },

  FrsTokenExpiring: {
    summary: {
      en: 'A token ends soon and was not renewed.',
      'zh-CN': 'Token 即将到期，且没有续期。',
    },
    description: {
      en: |||
        The first token of credential {{ $labels.credential }} at {{ $labels.instance }} ends in
        {{ $value | humanizeDuration }}, then its projects cannot be asked. The log says why it cannot be renewed.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 上凭证 {{ $labels.credential }} 的最早到期的 Token 将在 {{ $value | humanizeDuration }} 后到期，
        届时其项目无法查询。无法续期的原因见日志。
      |||,
    },
  },
}
