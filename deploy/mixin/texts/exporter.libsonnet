// What the alerts on exporters say.
{
  FrsExporterDown: {
    summary: {
      en: 'Prometheus cannot scrape an FRS exporter.',
      'zh-CN': 'Prometheus 无法抓取 FRS exporter。',
    },
    description: {
      en: |||
        {{ $labels.instance }} of job {{ $labels.job }} has not answered for %(for:words)s: nothing is known of its
        projects. Look whether it runs, and at the end of its log.
      |||,
      'zh-CN': |||
        任务 {{ $labels.job }} 的 {{ $labels.instance }} 已有 %(for:words)s没有响应：它的项目情况全部未知。
        请检查它是否在运行，并查看日志末尾。
      |||,
    },
  },

  FrsTargetNeverUp: {
    summary: {
      en: 'An FRS exporter, project or account was never scraped.',
      'zh-CN': '某个 FRS exporter、项目或账号从未被抓取成功。',
    },
    description: {
      en: |||
        {{ $labels.instance }} of job {{ $labels.job }} does not answer Prometheus, and as far as is known never has:
        nothing is known of what it should tell. The targets of Prometheus have the error.
      |||,
      'zh-CN': |||
        任务 {{ $labels.job }} 的 {{ $labels.instance }} 对 Prometheus 没有响应，且没有它响应过的记录：它应提供的情况全部未知。
        错误见 Prometheus 的 Targets 页。
      |||,
    },
  },

  FrsExporterAbsent: {
    summary: {
      en: 'Prometheus scrapes no FRS exporter at all.',
      'zh-CN': 'Prometheus 没有抓取任何 FRS exporter。',
    },
    description: {
      en: |||
        No target has told of an FRS exporter for %(for:words)s: nothing is known of any project. Look at the targets of
        Prometheus, and at its scrape config or service discovery.
      |||,
      'zh-CN': '抓取目标中已有 %(for:words)s没有任何 FRS exporter：所有项目的情况未知。请检查 Prometheus 的 Targets 页、抓取配置和服务发现。',
    },
  },

  FrsExporterMissing: {
    summary: {
      en: 'An FRS exporter is not a target of Prometheus any more.',
      'zh-CN': '某个 FRS exporter 已不再是 Prometheus 的抓取目标。',
    },
    description: {
      en: |||
        Job {{ $labels.job }} has fewer FRS exporters than within the last %(missingWindow:words)s: nothing is known of the projects of those
        that are gone. Look at the scrape config or service discovery of Prometheus.
      |||,
      'zh-CN': |||
        任务 {{ $labels.job }} 的 FRS exporter 比过去 %(missingWindow:words)s内少：消失的 exporter 的项目情况全部未知。
        请检查 Prometheus 的抓取配置和服务发现。
      |||,
    },
  },

  FrsProjectsMissing: {
    summary: {
      en: 'Many projects or accounts are not watched any more.',
      'zh-CN': '许多项目或账号不再被监控。',
    },
    description: {
      en: |||
        {{ with index $labels "discovery" }}Rule {{ . }} of job {{ $labels.job }} finds{{ else }}Job {{ $labels.job }} watches{{ end }}
        {{ $value }} projects or accounts, less than {{ humanizePercentage %(projectsMissingRatio)s }} of those within the last %(missingWindow:words)s: nothing is known of the
        others. Was a permission or the config narrowed?
      |||,
      'zh-CN': |||
        {{ with index $labels "discovery" }}任务 {{ $labels.job }} 的规则 {{ . }} 只找到{{ else }}任务 {{ $labels.job }} 只监控{{ end }}
        {{ $value }} 个项目或账号，不足过去 %(missingWindow:words)s内的 {{ humanizePercentage %(projectsMissingRatio)s }}：其余的情况未知。请检查权限或配置是否被缩小。
      |||,
    },
  },

  FrsProbeFailing: {
    summary: {
      en: 'Prometheus cannot probe a project or account.',
      'zh-CN': 'Prometheus 无法探测某个项目或账号。',
    },
    description: {
      en: |||
        {{ $labels.instance }} of job {{ $labels.job }} has not been told of for %(for:words)s. The targets of Prometheus
        have the error: a login, a rate limit, a timeout, or a project that is not in the config any more.
      |||,
      'zh-CN': |||
        任务 {{ $labels.job }} 的 {{ $labels.instance }} 已有 %(for:words)s没有数据。错误见 Prometheus 的 Targets 页：
        登录、限速、超时，或项目已不在配置中。
      |||,
    },
  },

  FrsExporterRestarting: {
    summary: {
      en: 'An FRS exporter restarts again and again.',
      'zh-CN': 'FRS exporter 反复重启。',
    },
    description: {
      en: |||
        {{ $labels.instance }} has started {{ $value }} times within %(restartsWindow:words)s. If it keeps no state and a secret is
        refused, stop it: each start tries that anew, and the vendor locks the account.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} %(restartsWindow:words)s内启动了 {{ $value }} 次。若它没有保存状态且有密码或密钥被拒绝，请先停止它：
        每次启动都会再试一次，华为云会因此锁定账号。
      |||,
    },
  },

  FrsShardMissing: {
    summary: {
      en: 'A shard of the FRS exporters is missing.',
      'zh-CN': '缺少 FRS exporter 的分片。',
    },
    description: {
      en: |||
        Job {{ $labels.job }} should have {{ $value }} shards and has fewer: nobody polls the projects of the others.
        Compare --total-shards with the exporters that run and are scraped.
      |||,
      'zh-CN': |||
        任务 {{ $labels.job }} 应有 {{ $value }} 个分片，实际不足：缺失分片的项目无人查询。
        请核对 --total-shards 与实际运行并被抓取的 exporter。
      |||,
    },
  },

  FrsConfigReloadFailed: {
    summary: {
      en: 'An FRS exporter cannot use its newest config.',
      'zh-CN': 'FRS exporter 无法使用最新的配置。',
    },
    description: {
      en: |||
        {{ $labels.instance }} goes on with the config before. Its log, its status page and frs-exporter --config.check
        --config.file=CONFIG say what is wrong, and where.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 继续使用之前的配置。错误及其位置见日志、状态页，或 frs-exporter --config.check
        --config.file=CONFIG 的输出。
      |||,
    },
  },

  FrsWebConfigReloadFailed: {
    summary: {
      en: 'An FRS exporter cannot use its newest web config.',
      'zh-CN': 'FRS exporter 无法使用最新的 Web 配置。',
    },
    description: {
      en: |||
        {{ $labels.instance }} goes on with the certificates and logins before, which may end. Its log and
        frs-exporter --config.check --config.file=CONFIG --web.config.file=WEB_CONFIG say what is wrong, and where.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 继续使用之前的证书和登录，它们可能到期。错误及其位置见日志，或 frs-exporter --config.check
        --config.file=CONFIG --web.config.file=WEB_CONFIG 的输出。
      |||,
    },
  },

  FrsWebCertificateExpiring: {
    summary: {
      en: 'The certificate of an FRS exporter ends soon.',
      'zh-CN': 'FRS exporter 的证书即将到期。',
    },
    description: {
      en: |||
        The certificate that {{ $labels.instance }} serves with ends in {{ $value | humanizeDuration }}, then Prometheus
        cannot scrape it any more. Put a new one in its place: it is taken up by itself.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 对外服务所用的证书将在 {{ $value | humanizeDuration }} 后到期，届时 Prometheus 无法抓取它。
        请替换为新证书，会自动生效。
      |||,
    },
  },

  FrsClockSkewed: {
    summary: {
      en: "The clock of an FRS exporter's machine is off.",
      'zh-CN': 'FRS exporter 所在机器的时钟不准。',
    },
    description: {
      en: |||
        {{ $labels.instance }} is {{ $value | humanizeDuration }} off the clock of the cloud. From 15 minutes on every
        signature is refused: mend the time synchronisation of the machine.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 的时钟与云端相差 {{ $value | humanizeDuration }}。相差 15 分钟起所有签名都会被拒绝：
        请修复机器的时间同步。
      |||,
    },
  },

  FrsScheduleLagging: {
    summary: {
      en: 'Requests of an FRS exporter wait long for their turn.',
      'zh-CN': 'FRS exporter 的请求排队过久。',
    },
    description: {
      en: |||
        A request of {{ $labels.instance }} has been waiting for {{ $value | humanizeDuration }}: its projects want more
        than limits allow. frs-exporter --config.check --config.file=CONFIG says what to set.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 有请求已排队 {{ $value | humanizeDuration }}：项目的需求超过 limits 的限制。
        应如何设置，见 frs-exporter --config.check --config.file=CONFIG 的输出。
      |||,
    },
  },

  FrsDiscoveryFailing: {
    summary: {
      en: 'An FRS exporter cannot look for projects.',
      'zh-CN': 'FRS exporter 无法发现项目。',
    },
    description: {
      en: |||
        Rule {{ $labels.discovery }} of {{ $labels.instance }} keeps the list before: new projects are not watched. Its
        log says why; check the permission iam:projects:listProjects.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 的规则 {{ $labels.discovery }} 沿用之前的列表：新项目不会被监控。原因见日志；
        请检查 iam:projects:listProjects 权限。
      |||,
    },
  },

  FrsDiscoveredProjectsSkipped: {
    summary: {
      en: 'Projects were found that are not watched.',
      'zh-CN': '发现的部分项目没有被监控。',
    },
    description: {
      en: |||
        Rule {{ $labels.discovery }} of {{ $labels.instance }} has found {{ $value }} projects whose name another one
        has. Put {credential} or {project_id} into its name_template.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 的规则 {{ $labels.discovery }} 发现了 {{ $value }} 个与其他项目重名的项目。
        请在 name_template 中加入 {credential} 或 {project_id}。
      |||,
    },
  },

  FrsDiscoveryOverLimit: {
    summary: {
      en: 'More projects were found than a rule may have.',
      'zh-CN': '发现的项目超过规则的上限。',
    },
    description: {
      en: |||
        Rule {{ $labels.discovery }} of {{ $labels.instance }} has found {{ $value }} projects more than its
        max_projects: these are not watched. Raise it, or mean fewer with regions, include or exclude.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 的规则 {{ $labels.discovery }} 发现的项目比 max_projects 多 {{ $value }} 个：多出的没有被监控。
        请调高上限，或用 regions、include、exclude 缩小范围。
      |||,
    },
  },

  FrsTlsNotVerified: {
    summary: {
      en: 'An FRS exporter believes any certificate.',
      'zh-CN': 'FRS exporter 不校验证书。',
    },
    description: {
      en: |||
        Whoever is between {{ $labels.instance }} and the cloud can read the secrets of credential
        {{ $labels.credential }}. Name the certificate's issuer in ca_file instead of insecure_skip_verify.
      |||,
      'zh-CN': |||
        {{ $labels.instance }} 与云端之间的任何人都能读取凭证 {{ $labels.credential }} 的密码或密钥。
        请用 ca_file 指定证书的签发者，不要用 insecure_skip_verify。
      |||,
    },
  },
}
