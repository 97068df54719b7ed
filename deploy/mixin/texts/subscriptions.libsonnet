// What the alerts on subscriptions say.
{
  FrsSubserviceLost: {
    summary: {
      en: 'A sub-service of FRS was switched off.',
      'zh-CN': 'FRS 的某个子服务被关闭。',
    },
    description: {
      en: |||
        {{ $labels.subservice }} of {{ $labels.project }} was subscribed within the last %(lostWindow:words)s and is not any more: calls
        to it fail. Subscribe it again in the FRS console, as the user of the exporter's credential.{{ with printf
        `frs_subscription_source{source!="subscribe",%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project | query }} Known from{{ range $i, $it := . }}{{ if $i }},{{ end }} {{ $it.Labels.source }}{{ end }}.{{ end }}
      |||,
      'zh-CN': |||
        {{ $labels.project }} 的 {{ $labels.subservice }} %(lostWindow:words)s之内还是开通的，现已关闭：对它的调用会失败。
        请以 exporter 凭证的用户身份在 FRS 控制台重新开通。{{ with printf
        `frs_subscription_source{source!="subscribe",%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project | query }}依据：{{ range $i, $it := . }}{{ if $i }}、{{ end }}{{ $it.Labels.source }}{{ end }}。{{ end }}
      |||,
    },
  },

  FrsRequiredSubserviceMissing: {
    summary: {
      en: 'A sub-service that the config requires is not subscribed.',
      'zh-CN': '配置要求的某个子服务没有开通。',
    },
    description: {
      en: |||
        {{ $labels.subservice }} of {{ $labels.project }} is required and off: calls to it fail. Subscribe it in the FRS
        console, as the user of the exporter's credential, or take it from require.{{ with printf
        `frs_subscription_source{source!="subscribe",%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project | query }} Known from{{ range $i, $it := . }}{{ if $i }},{{ end }} {{ $it.Labels.source }}{{ end }}.{{ end }}
      |||,
      'zh-CN': |||
        {{ $labels.project }} 的 {{ $labels.subservice }} 是必需的，但未开通：对它的调用会失败。
        请以 exporter 凭证的用户身份在 FRS 控制台开通，或从 require 中去掉。{{ with printf
        `frs_subscription_source{source!="subscribe",%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project | query }}依据：{{ range $i, $it := . }}{{ if $i }}、{{ end }}{{ $it.Labels.source }}{{ end }}。{{ end }}
      |||,
    },
  },

  FrsRequiredSubserviceUnknown: {
    summary: {
      en: 'Nothing tells whether a required sub-service is subscribed.',
      'zh-CN': '无法确认某个必需的子服务是否开通。',
    },
    description: {
      en: |||
        Whether {{ $labels.subservice }} of {{ $labels.project }} is on is not known: the vendor's API subscribe is
        absent in its region, and neither the list of face sets nor a probe tells. There are probes of compare,
        live_detect_face and live_detect: ask for them in the config, or take it from require.
      |||,
      'zh-CN': |||
        {{ $labels.project }} 的 {{ $labels.subservice }} 是否开通未知：所在区域没有 subscribe API，人脸库列表和探测也都没有给出结果。
        compare、live_detect_face 和 live_detect 可以探测：请在配置中启用，或从 require 中去掉。
      |||,
    },
  },

  FrsServiceFrozen: {
    summary: {
      en: 'The service is frozen, as in arrears.',
      'zh-CN': '服务已冻结，例如因欠费。',
    },
    description: {
      en: |||
        All calls of {{ $labels.project }} fail (FRS.0202). Settle the account's arrears: after the retention period
        face data is deleted for good.
      |||,
      'zh-CN': '{{ $labels.project }} 的所有调用都会失败（FRS.0202）。请结清账号欠费：保留期过后人脸数据将被永久删除。',
    },
  },
}
